package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

// gateway makes sure that the VPC has an internet gateway and returns its id. A
// VPC takes one gateway, so attaching is the lock: whose gateway comes too late
// deletes it. One that lies about unattached is taken first; should its maker
// live, it finds its gateway where it was meant to be.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html
func (o *ownNetwork) gateway(ctx context.Context, vpc string) (id string, err error) {
	own := "" // the one that was made here
	err = settled(ctx, func() error {
		if id, err = o.attachedTo(ctx, vpc); err != nil || id != "" {
			return err
		}
		if id = own; id == "" {
			id, err = o.looseGateway(ctx)
		}
		if id == "" && err == nil {
			id, err = o.createGateway(ctx)
			own = id
		}
		if err != nil {
			return unsettledIf(awserr.IsLimitExceeded(err), err) // others are at the same, and let go of theirs
		}
		_, err = o.api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: aws.String(id), VpcId: aws.String(vpc)})
		if awserr.IsAlreadyExists(err) && own == id {
			own = "" // somebody has attached it: the next look tells where
		}
		o.built = o.built || err == nil
		return unsettledIf(awserr.IsAlreadyExists(err) || awserr.IsInvalidValue(err), err)
	})
	if err != nil && own != "" {
		err = errors.Join(err, o.dropGateway(ctx, own))
	}
	if err != nil {
		return "", fmt.Errorf("give %s an internet gateway: %w", vpc, err)
	}
	if own != "" && own != id {
		return id, o.dropGateway(ctx, own)
	}
	return id, nil
}

// attachedTo is the gateway that the VPC has; "" when it has none.
func (o *ownNetwork) attachedTo(ctx context.Context, vpc string) (id string, err error) {
	out, err := o.api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{having("attachment.vpc-id", vpc)}})
	if err != nil {
		return "", fmt.Errorf("find the internet gateway of %s: %w", vpc, err)
	}
	if len(out.InternetGateways) == 0 {
		return "", nil
	}
	return aws.ToString(out.InternetGateways[0].InternetGatewayId), nil
}

// looseGateway is the gateway of ours with the lowest id among those that are
// attached to nothing; "" when there is none.
func (o *ownNetwork) looseGateway(ctx context.Context) (id string, err error) {
	pages := ec2.NewDescribeInternetGatewaysPaginator(o.api, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("list the internet gateways: %w", err)
		}
		for _, g := range page.InternetGateways {
			if got := aws.ToString(g.InternetGatewayId); len(g.Attachments) == 0 && (id == "" || got < id) {
				id = got
			}
		}
	}
	return id, nil
}

func (o *ownNetwork) createGateway(ctx context.Context) (id string, err error) {
	out, err := o.api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{TagSpecifications: o.tags(types.ResourceTypeInternetGateway)})
	if err != nil {
		return "", fmt.Errorf("create an internet gateway: %w", err)
	}
	id = aws.ToString(out.InternetGateway.InternetGatewayId)
	o.note(Gateway, id)
	return id, nil
}

// dropGateway deletes a gateway of this launch that came too late. One that
// somebody else has attached meanwhile is in use.
func (o *ownNetwork) dropGateway(ctx context.Context, id string) error {
	_, err := o.api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: aws.String(id)})
	if err == nil || awserr.IsNotFound(err) || awserr.IsInUse(err) {
		return nil
	}
	return fmt.Errorf("delete the second internet gateway %s: %w", id, err)
}

// abandon deletes a VPC that lost against another, with what is in it, for a
// launch that made it or built in it. Others may do so as well, and somebody may
// have begun to use it: what is in use stays, for them or for a cleanup.
func (o *ownNetwork) abandon(ctx context.Context, vpc string) error {
	subnets, err := o.listSubnets(ctx, vpc)
	if err != nil {
		return err
	}
	for _, s := range subnets {
		if _, err := o.api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId}); kept(err) {
			return stays(err, "subnet", aws.ToString(s.SubnetId))
		}
	}
	gateway, err := o.attachedTo(ctx, vpc)
	if err != nil {
		return err
	}
	if gateway != "" {
		_, err := o.api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: aws.String(gateway), VpcId: aws.String(vpc)})
		if kept(err) {
			return stays(err, "internet gateway", gateway)
		}
		if err := o.dropGateway(ctx, gateway); err != nil {
			return err
		}
	}
	err = settled(ctx, func() error {
		_, err := o.api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: aws.String(vpc)})
		return err
	})
	if kept(err) {
		return stays(err, "VPC", vpc)
	}
	return nil
}

// kept tells that something was not deleted.
func kept(err error) bool { return awserr.IgnoreNotFound(err) != nil }

// stays is no error for what others use.
func stays(err error, what, id string) error {
	if awserr.IsInUse(err) {
		return nil
	}
	return fmt.Errorf("delete the second %s %s: %w", what, id, err)
}
