package ec2

import (
	"crypto/sha256"
	"encoding/json"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// fingerprint is what is remembered of a request that had a client token: it is
// the same for requests that ask for the same. What must not count, such as the
// token itself, is to be left out of the request.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
type fingerprint [sha256.Size]byte

func fingerprintOf(request any) fingerprint {
	b, err := json.Marshal(request)
	if err != nil {
		panic(err) // a request is of texts, numbers and lists, which always marshal
	}
	return sha256.Sum256(b)
}

// errOtherRequest is the answer to a client token that came with another
// request before.
func errOtherRequest() error {
	return wire.Errorf("IdempotentParameterMismatch", "The client token you have provided is associated with a resource that has different parameters.")
}
