// Package sdkhttp stands between the AWS SDK and net/http, and cures what each
// alone does rightly and both together do wrongly.
//
// The SDK closes a request's body as soon as the answer's headers come. On a
// busy machine net/http has not yet looked whether the body goes on behind its
// length. If the body has a WriteTo, as the SDK's have, that look ends in io.EOF
// from the closed body; net/http takes it for a failure to write and closes the
// connection while the answer is read from it ("use of closed network
// connection"). The SDK then sends the request again, and what has no client
// token is done twice. A body that can only be read has no such end.
//
// https://github.com/aws/smithy-go/blob/main/transport/http/internal/io/safe.go
package sdkhttp

import (
	"io"
	"net/http"
)

// Client sends requests: an http.Client, or the SDK's own.
type Client interface {
	Do(*http.Request) (*http.Response, error)
}

// Steady is a client whose connections are not closed under an answer.
func Steady(c Client) Client { return steady{c} }

type steady struct{ client Client }

// Do implements Client.
func (s steady) Do(request *http.Request) (*http.Response, error) {
	if _, writes := request.Body.(io.WriterTo); writes && request.Body != http.NoBody {
		readOnly := *request
		readOnly.Body = struct{ io.ReadCloser }{request.Body}
		request = &readOnly
	}
	return s.client.Do(request)
}
