package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// RoleAPI is what EnsureRole calls.
type RoleAPI interface {
	CreateRole(context.Context, *iam.CreateRoleInput, ...func(*iam.Options)) (*iam.CreateRoleOutput, error)
	PutRolePolicy(context.Context, *iam.PutRolePolicyInput, ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error)
	CreateInstanceProfile(context.Context, *iam.CreateInstanceProfileInput, ...func(*iam.Options)) (*iam.CreateInstanceProfileOutput, error)
	AddRoleToInstanceProfile(context.Context, *iam.AddRoleToInstanceProfileInput, ...func(*iam.Options)) (*iam.AddRoleToInstanceProfileOutput, error)
	GetInstanceProfile(context.Context, *iam.GetInstanceProfileInput, ...func(*iam.Options)) (*iam.GetInstanceProfileOutput, error)
}

// RoleVersion names what EnsureRole makes: it differs wherever the role's
// documents do.
func RoleVersion(who Identity) string {
	return documentsVersion(permissions.AgentTrust(), permissions.Agent(who.Partition, who.Account))
}

func documentsVersion(documents ...permissions.Document) string {
	hash := sha256.New()
	for _, d := range documents {
		hash.Write([]byte(d.JSON()))
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// HasRole tells whether the agent's instance profile exists and has a role in
// it, whoever made it.
func HasRole(ctx context.Context, api RoleAPI) (bool, error) {
	out, err := api.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: aws.String(permissions.AgentRole)})
	switch {
	case awserr.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the agent's role: %w", err)
	}
	return len(out.InstanceProfile.Roles) > 0, nil
}

// EnsureRole makes sure that the agent's role and instance profile exist and
// have the policy of this version, and returns the profile's name. The role
// and the profile are made side by side and joined afterwards: two round trips.
func EnsureRole(ctx context.Context, api RoleAPI, who Identity, origin Origin, made Made) (profile string, err error) {
	name := aws.String(permissions.AgentRole)
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() error { return createRole(bothCtx, api, origin, made) })
	both.Go(func() error {
		_, err := api.CreateInstanceProfile(bothCtx, &iam.CreateInstanceProfileInput{InstanceProfileName: name, Tags: iamTags(origin().Tags())})
		return unlessExists(err, "create the instance profile")
	})
	if err := both.Wait(); err != nil {
		return "", err
	}
	both, bothCtx = errgroup.WithContext(ctx)
	both.Go(func() error {
		policy := permissions.Agent(who.Partition, who.Account).JSON()
		_, err := api.PutRolePolicy(bothCtx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String(permissions.AgentPolicy), PolicyDocument: aws.String(policy)})
		if err != nil {
			return fmt.Errorf("give the agent's role its policy: %w", err)
		}
		return nil
	})
	both.Go(func() error {
		_, err := api.AddRoleToInstanceProfile(bothCtx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: name})
		if awserr.IsLimitExceeded(err) {
			return nil // a profile holds one role, and ours is in it
		}
		return unlessExists(err, "put the agent's role into its profile")
	})
	return permissions.AgentRole, both.Wait()
}

func createRole(ctx context.Context, api RoleAPI, origin Origin, made Made) error {
	_, err := api.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 aws.String(permissions.AgentRole),
		AssumeRolePolicyDocument: aws.String(permissions.AgentTrust().JSON()),
		Description:              aws.String("Lets an instance launched by spawn end itself, and no other"),
		Tags:                     iamTags(origin().Tags()),
	})
	if err == nil {
		made(Role, permissions.AgentRole)
	}
	return unlessExists(err, "create the agent's role")
}

func unlessExists(err error, doing string) error {
	if err == nil || awserr.IsAlreadyExists(err) {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func iamTags(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, key := range lifecycle.SortedKeys(tags) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}
