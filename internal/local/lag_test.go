package local_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// kindOfResource is how a test asks for one resource, and for all.
type kindOfResource struct {
	name, code string
	named      func() error
	listed     func() (int, error)
}

// kinds are those of a network that lag behind, and a volume.
func (n *network) kinds(volume string) []kindOfResource {
	ctx := n.w.t.Context()
	return []kindOfResource{
		{
			"VPC", "InvalidVpcID.NotFound",
			func() error {
				_, err := n.api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{n.vpc}})
				return err
			},
			func() (int, error) {
				out, err := n.api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: byVPC(n.vpc)})
				return len(out.Vpcs), err
			},
		},
		{
			"subnet", "InvalidSubnetID.NotFound",
			func() error {
				_, err := n.api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{n.subnet}})
				return err
			},
			func() (int, error) {
				out, err := n.api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: byVPC(n.vpc)})
				return len(out.Subnets), err
			},
		},
		{
			"gateway", "InvalidInternetGatewayID.NotFound",
			func() error {
				_, err := n.api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{n.gateway}})
				return err
			},
			func() (int, error) {
				out, err := n.api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{
					Filters: []types.Filter{{Name: aws.String("attachment.vpc-id"), Values: []string{n.vpc}}},
				})
				return len(out.InternetGateways), err
			},
		},
		{
			"route table", "InvalidRouteTableID.NotFound",
			func() error {
				_, err := n.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{n.table}})
				return err
			},
			func() (int, error) {
				out, err := n.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: byVPC(n.vpc)})
				return len(out.RouteTables), err
			},
		},
		{
			"volume", "InvalidVolume.NotFound",
			func() error {
				_, err := n.api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{volume}})
				return err
			},
			func() (int, error) {
				out, err := n.api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
				return len(out.Volumes), err
			},
		},
	}
}

func byVPC(id string) []types.Filter {
	return []types.Filter{{Name: aws.String("vpc-id"), Values: []string{id}}}
}

// What was just made is not told of, not found by its id and not known to other
// calls; what was always there is.
func TestNewNetworksAndVolumesAreInvisibleForAWhile(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	i := w.run(func(in *ec2.RunInstancesInput) { in.SubnetId = &n.subnet })
	volume := *i.BlockDeviceMappings[0].Ebs.VolumeId
	kinds := n.kinds(volume)
	w.faulty(fault.Rule{Kind: fault.Lag, Delay: time.Hour})
	for _, k := range kinds {
		wantCode(t, k.named(), k.code)
		if found, err := k.listed(); err != nil || found != 0 {
			t.Errorf("%s: %d are listed, %v", k.name, found, err)
		}
	}
	ctx := t.Context()
	_, err := n.api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &n.vpc, CidrBlock: aws.String("10.0.2.0/24")})
	wantCode(t, err, "InvalidVpcID.NotFound")
	_, err = w.launchIn("", func(in *ec2.RunInstancesInput) { in.SubnetId = &n.subnet })
	wantCode(t, err, "InvalidSubnetID.NotFound")
	_, err = n.api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{n.gateway}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	wantCode(t, err, "InvalidInternetGatewayID.NotFound")
	tags, err := n.api.DescribeTags(ctx, &ec2.DescribeTagsInput{})
	noError(t, err)
	if len(tags.Tags) != 0 {
		t.Errorf("tags of what is not to be seen are %+v", tags.Tags)
	}
	_, err = w.launchIn("us-east-1a", func(*ec2.RunInstancesInput) {}) // into the default network
	noError(t, err)

	noError(t, w.clock.Advance(time.Hour))
	for _, k := range kinds {
		noError(t, k.named())
		if found, err := k.listed(); err != nil || found == 0 {
			t.Errorf("%s: after an hour %d are listed, %v", k.name, found, err)
		}
	}
}
