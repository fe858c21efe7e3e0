package instance

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Regrouper is what changing an instance's security groups needs.
type Regrouper interface {
	ModifyInstanceAttribute(context.Context, *ec2.ModifyInstanceAttributeInput, ...func(*ec2.Options)) (*ec2.ModifyInstanceAttributeOutput, error)
}

// JoinGroup adds a security group to those that the instance is in. The request
// names all of them, so that a group which somebody else adds at this moment is
// lost. An interface is in five groups at most, unless the account's quota is
// another.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
func JoinGroup(ctx context.Context, api Regrouper, in Instance, group string) error {
	if slices.Contains(in.Groups, group) {
		return nil
	}
	_, err := api.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(in.ID), Groups: append(slices.Clone(in.Groups), group)})
	if err != nil {
		return fmt.Errorf("add the security group %s to %s: %w", group, in.Label(), err)
	}
	return nil
}
