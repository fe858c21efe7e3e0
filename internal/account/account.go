// Package account provides what an account needs once before it can launch:
// the caller's identity, a key pair, a network with a security group, the
// agent's role and a bucket for the agent's program. Each Ensure is
// idempotent, may run beside the others and beside other launches, and reports
// what it made. Nothing here is deleted but what lost a race for being the only
// one, a moment after it was made: all else is reap's work.
package account

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Identity is who is calling.
type Identity struct {
	Account   string // twelve digits
	ARN       string
	Partition string // aws, aws-cn, …
}

// STS is what Identify calls.
type STS interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Identify asks who the caller is. It needs no permission.
func Identify(ctx context.Context, api STS) (Identity, error) {
	out, err := api.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, fmt.Errorf("find out who is calling: %w", err)
	}
	arn := aws.ToString(out.Arn)
	parts := strings.SplitN(arn, ":", 3)
	if len(parts) < 3 || parts[0] != "arn" {
		return Identity{}, fmt.Errorf("find out who is calling: %q is not an ARN", arn)
	}
	return Identity{Account: aws.ToString(out.Account), ARN: arn, Partition: parts[1]}, nil
}

// Kind is a sort of resource.
type Kind string

// The kinds of what an account needs once, as journals name them too.
const (
	SecurityGroup Kind = "security-group"
	VPC           Kind = "vpc"
	Subnet        Kind = "subnet"
	Gateway       Kind = "internet-gateway"
	KeyPair       Kind = "key-pair"
	Role          Kind = "role"
	Bucket        Kind = "bucket"
)

// Origin says by whom and when something is made. It is asked at that moment, for
// the first answer of a service may just have corrected the time.
type Origin func() lifecycle.Origin

// Made is told of each resource as soon as it exists, so that a launch that
// fails, or dies, can be undone.
type Made func(kind Kind, id string)

func tagSpecification(kind types.ResourceType, tags map[string]string) types.TagSpecification {
	return types.TagSpecification{ResourceType: kind, Tags: EC2Tags(tags)}
}

// EC2Tags are tags in EC2's form, in order.
func EC2Tags(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, key := range lifecycle.SortedKeys(tags) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// TagMap reads tags in EC2's form.
func TagMap(tags []types.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}
