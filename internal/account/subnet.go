package account

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

// subnets makes sure that the VPC has a subnet in each zone of the region, whose
// instances get a public address, and returns their ids by zone. A zone in which
// the account can make none is left out.
func (o *ownNetwork) subnets(ctx context.Context, vpc string) (map[string]string, error) {
	var zones []string
	var there map[string]types.Subnet
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() (err error) { zones, err = o.zones(bothCtx); return err })
	both.Go(func() (err error) { there, err = o.listSubnets(bothCtx, vpc); return err })
	if err := both.Wait(); err != nil {
		return nil, err
	}
	ids := make(map[string]string)
	for zone, subnet := range there {
		if aws.ToBool(subnet.MapPublicIpOnLaunch) {
			ids[zone] = aws.ToString(subnet.SubnetId)
		}
	}
	missing := slices.DeleteFunc(zones, func(zone string) bool { return ids[zone] != "" })
	return ids, o.addSubnets(ctx, vpc, missing, there, ids)
}

// addSubnets makes the subnets of zones, at the same time, and adds them to ids.
func (o *ownNetwork) addSubnets(ctx context.Context, vpc string, zones []string, there map[string]types.Subnet, ids map[string]string) error {
	var mu sync.Mutex
	var refused error
	var all errgroup.Group // each is finished: what is cancelled may still be made
	for _, zone := range zones {
		o.built = true
		all.Go(func() error {
			id, err := o.subnet(ctx, vpc, zone, there[zone])
			mu.Lock()
			defer mu.Unlock()
			switch {
			case awserr.IsInvalidValue(err):
				refused = err // an old zone, in which nothing new is made
			case err != nil:
				return err
			default:
				ids[zone] = id
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return refused
	}
	return nil
}

// zones are the region's own in which the account may have something: neither
// local ones nor those on other people's premises.
func (o *ownNetwork) zones(ctx context.Context) ([]string, error) {
	out, err := o.api.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{Filters: []types.Filter{
		having("zone-type", "availability-zone"), having("state", "available"),
	}})
	if err != nil {
		return nil, fmt.Errorf("list the zones: %w", err)
	}
	names := make(map[string]bool)
	for _, z := range out.AvailabilityZones {
		names[aws.ToString(z.ZoneName)] = true
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// listSubnets finds our subnets of the VPC by zone.
func (o *ownNetwork) listSubnets(ctx context.Context, vpc string) (map[string]types.Subnet, error) {
	return subnetsByZone(ctx, o.api, having("vpc-id", vpc), managed())
}

// SubnetAPI is what listing subnets calls.
type SubnetAPI interface {
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
}

// subnetsByZone lists the subnets that pass the filters; of several in a zone
// the one whose id is lowest.
func subnetsByZone(ctx context.Context, api SubnetAPI, filters ...types.Filter) (map[string]types.Subnet, error) {
	found := make(map[string]types.Subnet)
	pages := ec2.NewDescribeSubnetsPaginator(api, &ec2.DescribeSubnetsInput{Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the subnets: %w", err)
		}
		for _, s := range page.Subnets {
			zone := aws.ToString(s.AvailabilityZone)
			if had, there := found[zone]; !there || aws.ToString(s.SubnetId) < aws.ToString(had.SubnetId) {
				found[zone] = s
			}
		}
	}
	return found, nil
}

// subnet makes the subnet of a zone, unless it is there and only gives no public
// addresses yet, and makes it give them.
func (o *ownNetwork) subnet(ctx context.Context, vpc, zone string, there types.Subnet) (id string, err error) {
	if id = aws.ToString(there.SubnetId); id == "" {
		if id, err = o.createSubnet(ctx, vpc, zone); err != nil {
			return "", err
		}
	}
	err = settled(ctx, func() error {
		_, err := o.api.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: aws.String(id), MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("have the subnet %s give public addresses: %w", id, err)
	}
	return id, nil
}

// createSubnet makes the subnet of a zone. Its addresses follow from the zone's
// name, so that of two launches at once one is refused and finds the other's.
func (o *ownNetwork) createSubnet(ctx context.Context, vpc, zone string) (id string, err error) {
	out, err := o.api.CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId:             aws.String(vpc),
		AvailabilityZone:  aws.String(zone),
		CidrBlock:         aws.String(subnetRange(zone)),
		TagSpecifications: o.tags(types.ResourceTypeSubnet),
	})
	if err == nil {
		id = aws.ToString(out.Subnet.SubnetId)
		o.made(Subnet, id)
		return id, nil
	}
	if !awserr.IsAlreadyExists(err) {
		return "", fmt.Errorf("create a subnet in %s: %w", zone, err)
	}
	err = settled(ctx, func() error {
		there, err := o.listSubnets(ctx, vpc)
		if id = aws.ToString(there[zone].SubnetId); err == nil && id == "" {
			return fmt.Errorf("find the subnet of %s that has %s: %w", zone, subnetRange(zone), errUnsettled)
		}
		return err
	})
	return id, err
}

// subnetRange is the sixteenth of ownRange that belongs to a zone, by its last
// letter: 4091 addresses for instances.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
func subnetRange(zone string) string {
	letter := zone[len(zone)-1]
	return fmt.Sprintf("10.83.%d.0/20", int(letter-'a')%16*16)
}
