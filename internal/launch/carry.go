package launch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/bootstrap"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// carry puts user-data that is too large to be sent into the account's bucket,
// from which cloud-init fetches it with an address that holds for an hour.
func (r *running) carry(ctx context.Context, have *prepared) error {
	first := r.plan.First()
	_, err := r.plan.userData(first, r.plan.instanceTags(have.origin, first), have, r.Endpoint)
	if !tooLarge(err) {
		return err
	}
	large := err
	return r.step(StepScript, func() (detail string, err error) {
		cargo, err := bootstrap.Cargo(r.plan.UserData)
		if err != nil {
			return "", err
		}
		key := cargoKey(cargo)
		object, err := account.EnsureObject(ctx, r.S3, r.who, r.plan.Region, key, cargo, r.record)
		if awserr.IsDenied(err) {
			return "", problem.New(problem.Denied, "%w, and you may not put it into a bucket of the account", large).
				WithNext("let a small script download the rest, or ask for:\n%s", r.permission(StepAgent))
		}
		if err != nil {
			return "", err
		}
		_, have.script, err = r.ObjectURLs(ctx, object.Bucket, key)
		return "too large to send; carried by " + object.Bucket, err
	})
}

func cargoKey(cargo []byte) string {
	sum := sha256.Sum256(cargo)
	return account.CargoPrefix + hex.EncodeToString(sum[:])
}

// cargoURL is where an instance would find the user-data, once it is there.
func (r *running) cargoURL(ctx context.Context) (presigned string, err error) {
	cargo, err := bootstrap.Cargo(r.plan.UserData)
	if err != nil {
		return "", err
	}
	_, presigned, err = r.ObjectURLs(ctx, account.BucketName(r.who.Account, r.plan.Region), cargoKey(cargo))
	return presigned, err
}

func tooLarge(err error) bool {
	var large *bootstrap.TooLargeError
	return errors.As(err, &large)
}
