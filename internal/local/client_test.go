package local_test

import (
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// newHTTPClient is what a world's SDK clients share.
func newHTTPClient() *http.Client { return &http.Client{Transport: readOnly{&http.Transport{}}} }

// readOnly lets bodies of requests be read, and nothing else.
//
// The SDK closes a request's body when the answer's headers come. On a busy
// machine net/http has not yet looked whether the body goes on by then. If the
// body has WriteTo, as the SDK's have, that look ends in io.EOF, which net/http
// takes for a failure to write: it closes the connection while the answer is
// read from it ("use of closed network connection"). Read does not fail so.
//
// https://github.com/aws/smithy-go/blob/main/transport/http/internal/io/safe.go
type readOnly struct{ transport *http.Transport }

// RoundTrip implements http.RoundTripper.
func (r readOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		plain := *request
		plain.Body = struct{ io.ReadCloser }{request.Body}
		request = &plain
	}
	return r.transport.RoundTrip(request)
}

// CloseIdleConnections is what http.Client's calls.
func (r readOnly) CloseIdleConnections() { r.transport.CloseIdleConnections() }

// twice lets a client try again once, without a pause: each is new, and learns
// that the clock was advanced from the refusal of its first call.
func twice() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 2
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}
