package account

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// ownRange is the addresses of a VPC of ours: a part of 10.0.0.0/8 that few
// others begin with, so that it can be joined to other networks.
const ownRange = "10.83.0.0/16"

// ownNetwork makes the VPC of a region that has no default one, with what it
// takes to reach the internet from it: a subnet in each zone, a gateway, and a
// route to it in the main route table, which comes and goes with the VPC.
//
// All launches of the account and region share it. What one left half made, the
// next one completes. Subnets come before the gateway: a cleanup takes the
// gateway away only where it sees none.
type ownNetwork struct {
	api    VPCAPI
	origin Origin
	made   Made
	built  bool // something was missing
}

// election is how long a VPC is left alone before anybody builds in it: whoever
// saw none before it was there has made another by then.
const election = 500 * time.Millisecond

// waitForOthers waits where the VPC is so new that it has no subnet.
func (o *ownNetwork) waitForOthers(ctx context.Context, vpc string) error {
	there, err := o.listSubnets(ctx, vpc)
	if err != nil || len(there) > 0 {
		return err
	}
	return sleep(ctx, election)
}

// maxVPCs bounds how often a launch moves to another VPC: more there cannot be,
// unless the account's quota was raised.
const maxVPCs = 5

// ensure returns the VPC, its subnets by zone and its gateway. At the end
// everybody looks once more whether this is the VPC that all use, and takes away
// what was built elsewhere: of several who built there, the last one takes the
// VPC.
func (o *ownNetwork) ensure(ctx context.Context) (vpc string, subnets map[string]string, gateway string, err error) {
	for range maxVPCs {
		vpc, mine, electErr := o.elect(ctx)
		if electErr != nil {
			return "", nil, "", electErr
		}
		if err := o.waitForOthers(ctx, vpc); err != nil {
			return "", nil, "", err
		}
		if lowest, lookErr := o.lowest(ctx); lookErr != nil || lowest != vpc {
			if mine && lookErr == nil {
				lookErr = o.abandon(ctx, vpc)
			}
			if lookErr != nil {
				return "", nil, "", lookErr
			}
			continue
		}
		before := o.built
		o.built = false
		subnets, gateway, err = o.complete(ctx, vpc)
		mine = mine || o.built
		o.built = o.built || before
		if err != nil && !awserr.IsNotFound(err) { // what was taken away underneath is looked at below
			return "", nil, "", err
		}
		lowest, lookErr := o.lowest(ctx)
		switch {
		case lookErr != nil:
			return "", nil, "", lookErr
		case lowest == vpc && err == nil:
			return vpc, subnets, gateway, nil
		case lowest != vpc && mine: // this launch made it, or built in it
			if err := o.abandon(ctx, vpc); err != nil {
				return "", nil, "", err
			}
		}
	}
	if err == nil {
		err = problem.New(problem.Failed, "others make and delete spawn's VPC again and again").WithNext("try again in a minute")
	}
	return "", nil, "", err
}

func (o *ownNetwork) complete(ctx context.Context, vpc string) (subnets map[string]string, gateway string, err error) {
	if subnets, err = o.subnets(ctx, vpc); err != nil {
		return nil, "", err
	}
	if gateway, err = o.gateway(ctx, vpc); err != nil {
		return nil, "", err
	}
	return subnets, gateway, o.route(ctx, vpc, gateway)
}

// elect finds the VPC that everybody uses: of those that spawn made, the one
// whose id is lowest. CreateVpc has neither a token nor a name that could
// collide; whoever makes one beside another's deletes it again.
func (o *ownNetwork) elect(ctx context.Context) (vpc string, mine bool, err error) {
	if vpc, err = o.lowest(ctx); err != nil || vpc != "" {
		return vpc, false, err
	}
	own, err := o.createVPC(ctx)
	if awserr.IsLimitExceeded(err) {
		// The quota may be used up by others who are at the same, a moment
		// before they see one another.
		if vpc, listErr := o.seen(ctx); listErr == nil {
			return vpc, false, nil
		}
		return "", false, problem.New(problem.Failed, "this account has no default VPC in the region, and spawn cannot make one: %w", err).
			WithNext("launch into a subnet that you have with --subnet, delete a VPC, or ask for a higher quota of VPCs at Service Quotas")
	}
	if err != nil {
		return "", false, err
	}
	if vpc, err = o.seen(ctx); err != nil {
		return "", false, fmt.Errorf("find the VPC %s again: %w", own, err)
	}
	if vpc != own {
		return vpc, false, o.abandon(ctx, own)
	}
	return own, true, nil
}

// seen is the lowest once there is one to be seen.
func (o *ownNetwork) seen(ctx context.Context) (vpc string, err error) {
	err = settled(ctx, func() error {
		if vpc, err = o.lowest(ctx); err == nil && vpc == "" {
			return errUnsettled
		}
		return err
	})
	return vpc, err
}

// lowest is the VPC of ours whose id is lowest; "" when there is none.
func (o *ownNetwork) lowest(ctx context.Context) (id string, err error) {
	pages := ec2.NewDescribeVpcsPaginator(o.api, &ec2.DescribeVpcsInput{Filters: []types.Filter{managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("find spawn's VPC: %w", err)
		}
		for _, v := range page.Vpcs {
			if got := aws.ToString(v.VpcId); id == "" || got < id {
				id = got
			}
		}
	}
	return id, nil
}

func (o *ownNetwork) createVPC(ctx context.Context) (id string, err error) {
	out, err := o.api.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock:         aws.String(ownRange),
		TagSpecifications: o.tags(types.ResourceTypeVpc),
	})
	if err != nil {
		return "", fmt.Errorf("create a VPC, as the region has no default one: %w", err)
	}
	id = aws.ToString(out.Vpc.VpcId)
	o.note(VPC, id)
	return id, nil
}

// tags are those of what a launch makes, with a name that the console shows.
func (o *ownNetwork) tags(kind types.ResourceType) []types.TagSpecification {
	tags := o.origin().Tags()
	tags[lifecycle.TagName] = "spawn"
	return []types.TagSpecification{tagSpecification(kind, tags)}
}

func (o *ownNetwork) note(kind Kind, id string) {
	o.built = true
	o.made(kind, id)
}

// route makes the main route table lead to the gateway. A route to a gateway
// that is gone leads nowhere and is replaced; any other is somebody's choice.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html
func (o *ownNetwork) route(ctx context.Context, vpc, gateway string) error {
	var table types.RouteTable
	err := settled(ctx, func() error {
		out, err := o.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{having("vpc-id", vpc), having("association.main", "true")}})
		if err != nil {
			return fmt.Errorf("find the main route table of %s: %w", vpc, err)
		}
		if len(out.RouteTables) == 0 {
			return fmt.Errorf("find the main route table of %s: %w", vpc, errUnsettled)
		}
		table = out.RouteTables[0]
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range table.Routes {
		if aws.ToString(r.DestinationCidrBlock) != everywhere {
			continue
		}
		if r.State != types.RouteStateBlackhole {
			return nil
		}
		_, err := o.api.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String(everywhere)})
		if awserr.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete the route that leads nowhere: %w", err)
		}
	}
	_, err = o.api.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String(everywhere), GatewayId: aws.String(gateway)})
	if err != nil && !awserr.IsAlreadyExists(err) {
		return fmt.Errorf("create the route to %s: %w", gateway, err)
	}
	o.built = true
	return nil
}

const everywhere = "0.0.0.0/0"
