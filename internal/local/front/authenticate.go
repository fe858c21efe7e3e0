package front

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/s3"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// maxForm is the largest body of a request that is no object, in bytes.
const maxForm = 1 << 20

// authenticate finds out who signed the request. It leaves a body in e.r that
// has been read and verified, or that verifies itself while S3 reads it.
func (e *exchange) authenticate(scope auth.Scope) (*call.Caller, error) {
	if !e.front.KnownRegion(scope.Region) {
		return nil, &auth.Error{Reason: auth.Malformed, Message: "Credential should be scoped to a valid region"}
	}
	bodyHash, err := e.hashBody(scope)
	if err != nil {
		return nil, err
	}
	caller := &call.Caller{Region: scope.Region, RequestID: e.record.RequestID, Protocol: e.protocol, Record: e.record}
	err = e.front.Store.View(func(tx *store.Tx) error {
		secret, principal, found := e.front.Identify(tx, scope.AccessKeyID)
		if !found {
			return &auth.Error{Reason: auth.UnknownKey, Message: "The security token included in the request is invalid."}
		}
		caller.Principal = principal
		return auth.Verify(e.r, scope, secret, bodyHash, tx.Now())
	})
	if err != nil {
		return nil, err
	}
	e.record.Principal = caller.ARN
	return caller, nil
}

// hashBody is the body's hash as the signature has it. A form is read whole;
// an object may be large and is hashed as it is read.
func (e *exchange) hashBody(scope auth.Scope) (string, error) {
	if scope.Service == "s3" {
		claimed := scope.PayloadHash
		if claimed == "" {
			return "", wire.Errorf("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
		}
		e.r.Body = http.MaxBytesReader(e.w, e.r.Body, s3.MaxObject+s3.MaxObject/64)
		if len(claimed) == sha256.Size*2 {
			e.r.Body = &verifiedBody{ReadCloser: e.r.Body, hash: sha256.New(), want: claimed}
			return claimed, nil
		}
		if claimed != auth.UnsignedPayload && claimed != auth.UnsignedTrailer {
			return "", wire.Statusf(http.StatusNotImplemented, "NotImplemented", "x-amz-content-sha256: %s is not supported by this cloud", claimed)
		}
		return claimed, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(e.w, e.r.Body, maxForm))
	if err != nil {
		return "", wire.Statusf(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is larger than %d bytes", maxForm)
	}
	e.r.Body = io.NopCloser(bytes.NewReader(body))
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}

// verifiedBody fails at its end if it is not what was signed.
type verifiedBody struct {
	io.ReadCloser
	hash hash.Hash
	want string
}

// Read implements io.Reader.
func (b *verifiedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n]) // a hash never fails to write
	if errors.Is(err, io.EOF) && hex.EncodeToString(b.hash.Sum(nil)) != b.want {
		return n, wire.Errorf("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return n, err
}
