package scheduler

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// tokenLife is how long a client token is remembered. AWS does not say.
const tokenLife = time.Hour

// usedToken is a request that was done; its key in the table is made of region,
// operation and client token.
type usedToken struct {
	Key    string
	Digest string // of all that the request said
	At     time.Time
}

var tokenForm = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

// replayed tells whether a request was done before: the same token came with the
// same content. With other content it is refused. A request that is new is
// remembered, unless it fails.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func (s *Service) replayed(tx *store.Tx, c *call.Caller, operation, token string, in any) (bool, error) {
	if token == "" {
		return false, nil // AWS draws one at random
	}
	if !tokenForm.MatchString(token) {
		return false, errValidation("The client token must have 1 to 64 characters of [a-zA-Z0-9-_]")
	}
	text, err := wire.EncodeJSON(in)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(text)
	used := usedToken{Key: c.Region + " " + operation + " " + token, Digest: hex.EncodeToString(sum[:]), At: tx.Now()}
	for _, old := range s.tokens.All(tx) {
		switch {
		case tx.Now().Sub(old.At) >= tokenLife:
			s.tokens.Delete(tx, old.Key)
		case old.Key == used.Key && old.Digest != used.Digest:
			return false, errConflict("The client token was used before with other parameters.")
		case old.Key == used.Key:
			return true, nil
		}
	}
	s.tokens.Put(tx, used.Key, used)
	return false, nil
}
