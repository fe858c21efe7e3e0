package account

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// KeyAPI is what EnsureKey calls.
type KeyAPI interface {
	DescribeKeyPairs(context.Context, *ec2.DescribeKeyPairsInput, ...func(*ec2.Options)) (*ec2.DescribeKeyPairsOutput, error)
	ImportKeyPair(context.Context, *ec2.ImportKeyPairInput, ...func(*ec2.Options)) (*ec2.ImportKeyPairOutput, error)
}

// DefaultKeyName is the name under which a user's key is imported.
const DefaultKeyName = "default-ssh-key"

// EnsureKey makes sure that EC2 knows the public key and returns the name it
// has there: whatever name it already has, else DefaultKeyName, else that with a
// part of the key's hash. An imported key belongs to the user and is never
// deleted.
func EnsureKey(ctx context.Context, api KeyAPI, key sshx.Key, origin Origin, made Made) (name string, err error) {
	// Another launch may take the name between listing and importing, for the
	// same key or for another: then look again. The second name is this key's
	// own, and who has it has this key.
	for range 2 {
		name, known, err := LookUpKey(ctx, api, key)
		if err != nil || known {
			return name, err
		}
		err = importKey(ctx, api, name, key, origin, made)
		if err == nil || awserr.IsAlreadyExists(err) && name != DefaultKeyName {
			return name, nil
		}
		if !awserr.IsAlreadyExists(err) {
			return "", fmt.Errorf("import the key pair %s: %w", name, err)
		}
	}
	return "", fmt.Errorf("import the key pair %s: its name comes and goes", DefaultKeyName)
}

// LookUpKey returns the name under which EC2 knows the key, or else the name
// that it can be given.
func LookUpKey(ctx context.Context, api KeyAPI, key sshx.Key) (name string, known bool, err error) {
	out, err := api.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{IncludePublicKey: aws.Bool(true)})
	if err != nil {
		return "", false, fmt.Errorf("list the key pairs: %w", err)
	}
	name = DefaultKeyName
	for _, k := range out.KeyPairs {
		if sshx.SamePublic(aws.ToString(k.PublicKey), key.Public) {
			return aws.ToString(k.KeyName), true, nil
		}
		if aws.ToString(k.KeyName) == DefaultKeyName {
			name = otherKeyName(key)
		}
	}
	return name, false, nil
}

func importKey(ctx context.Context, api KeyAPI, name string, key sshx.Key, origin Origin, made Made) error {
	tags := origin().Tags()
	tags[lifecycle.TagImported], tags[lifecycle.TagKeep] = "true", "true"
	_, err := api.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{
		KeyName:           aws.String(name),
		PublicKeyMaterial: []byte(key.Public),
		TagSpecifications: []types.TagSpecification{tagSpecification(types.ResourceTypeKeyPair, tags)},
	})
	if err == nil {
		made(KeyPair, name)
	}
	return err
}

// FindKeyPair makes sure that the region has a key pair of the name that the
// user gave. It is used as it is.
func FindKeyPair(ctx context.Context, api KeyAPI, name string) error {
	out, err := api.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{name}})
	switch {
	case awserr.IsNotFound(err) || err == nil && len(out.KeyPairs) == 0:
		return problem.New(problem.NotFound, "there is no key pair %s in the region", name).
			WithNext("see yours with: aws ec2 describe-key-pairs; without --key-pair spawn imports the key of this machine")
	case err != nil:
		return fmt.Errorf("look for the key pair %s: %w", name, err)
	}
	return nil
}

// otherKeyName is for a key whose usual name another key has.
func otherKeyName(key sshx.Key) string { return DefaultKeyName + "-" + key.Hash()[:8] }
