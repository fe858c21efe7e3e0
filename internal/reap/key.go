package reap

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// importedKeys finds the SSH keys that spawn imported. They are their owner's, to
// be kept by their tag, and left only where Keys says so: what is deleted then is
// EC2's copy of the public half.
func (r Region) importedKeys(ctx context.Context, scope Scope) (out []Item, err error) {
	listed, err := r.EC2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{Filters: []types.Filter{instance.Managed()}})
	if err != nil {
		return nil, fmt.Errorf("list the key pairs: %w", err)
	}
	for _, k := range listed.KeyPairs {
		tags := account.TagMap(k.Tags)
		mine := scope.AllOwners || tags[lifecycle.TagOwner] == scope.Owner
		if id := aws.ToString(k.KeyPairId); mine && tags[lifecycle.TagImported] == "true" {
			item := scope.item(KeyPair, id, "spawn imported it", tags)
			item.Name = aws.ToString(k.KeyName)
			out = append(out, item)
		}
	}
	return out, nil
}
