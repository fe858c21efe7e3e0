package local_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// network is a VPC with a public subnet, as people make one.
type network struct {
	w                           *world
	api                         *ec2.Client
	vpc, subnet, gateway, table string
	association                 string
}

func (w *world) network() *network {
	w.t.Helper()
	n := &network{w: w, api: w.ec2(w.admin())}
	ctx := w.t.Context()
	vpc, err := n.api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), TagSpecifications: tagged("vpc")})
	noError(w.t, err)
	n.vpc = *vpc.Vpc.VpcId
	subnet, err := n.api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &n.vpc, CidrBlock: aws.String("10.0.1.0/24"), TagSpecifications: tagged("subnet")})
	noError(w.t, err)
	n.subnet = *subnet.Subnet.SubnetId
	gateway, err := n.api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{TagSpecifications: tagged("internet-gateway")})
	noError(w.t, err)
	n.gateway = *gateway.InternetGateway.InternetGatewayId
	_, err = n.api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: &n.gateway, VpcId: &n.vpc})
	noError(w.t, err)
	table, err := n.api.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &n.vpc, TagSpecifications: tagged("route-table")})
	noError(w.t, err)
	n.table = *table.RouteTable.RouteTableId
	_, err = n.api.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: &n.table, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: &n.gateway})
	noError(w.t, err)
	association, err := n.api.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &n.table, SubnetId: &n.subnet})
	noError(w.t, err)
	n.association = *association.AssociationId
	return n
}

func tagged(kind types.ResourceType) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}}
}

func (n *network) mapPublic() {
	n.w.t.Helper()
	_, err := n.api.ModifySubnetAttribute(n.w.t.Context(), &ec2.ModifySubnetAttributeInput{
		SubnetId: &n.subnet, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)},
	})
	noError(n.w.t, err)
}

func (n *network) deleteVpc() error {
	_, err := n.api.DeleteVpc(n.w.t.Context(), &ec2.DeleteVpcInput{VpcId: &n.vpc})
	return err
}

func (n *network) deleteSubnet() error {
	_, err := n.api.DeleteSubnet(n.w.t.Context(), &ec2.DeleteSubnetInput{SubnetId: &n.subnet})
	return err
}

func (n *network) detach() error {
	_, err := n.api.DetachInternetGateway(n.w.t.Context(), &ec2.DetachInternetGatewayInput{InternetGatewayId: &n.gateway, VpcId: &n.vpc})
	return err
}

func (n *network) deleteGateway() error {
	_, err := n.api.DeleteInternetGateway(n.w.t.Context(), &ec2.DeleteInternetGatewayInput{InternetGatewayId: &n.gateway})
	return err
}

func (n *network) deleteTable() error {
	_, err := n.api.DeleteRouteTable(n.w.t.Context(), &ec2.DeleteRouteTableInput{RouteTableId: &n.table})
	return err
}

func (n *network) disassociate() error {
	_, err := n.api.DisassociateRouteTable(n.w.t.Context(), &ec2.DisassociateRouteTableInput{AssociationId: &n.association})
	return err
}

// The whole life of a network: made, used, refusing to go while in use, and
// deleted in the order of its dependencies.
func TestNetworkLivesAndGoes(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	ctx := t.Context()
	n.mapPublic()
	group, err := n.api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("g"), Description: aws.String("d"), VpcId: &n.vpc})
	noError(t, err)
	i := w.run(func(in *ec2.RunInstancesInput) {
		in.SubnetId, in.SecurityGroupIds = &n.subnet, []string{*group.GroupId}
	})
	id := *i.InstanceId
	if address := netip.MustParseAddr(*i.PrivateIpAddress); !netip.MustParsePrefix("10.0.1.0/24").Contains(address) || aws.ToString(i.PublicIpAddress) == "" || *i.VpcId != n.vpc {
		t.Errorf("it has %s and %s in %s", address, aws.ToString(i.PublicIpAddress), *i.VpcId)
	}
	if name := aws.ToString(i.PublicDnsName); name != "" {
		t.Errorf("it has the public name %s in a VPC without host names", name)
	}
	w.await(id, types.InstanceStateNameRunning)

	deleteGroup := func() error {
		_, err := n.api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: group.GroupId})
		return err
	}
	inUse := map[string]func() error{
		"vpc": n.deleteVpc, "subnet": n.deleteSubnet, "gateway": n.deleteGateway, "detach": n.detach, "table": n.deleteTable, "group": deleteGroup,
	}
	for what, remove := range inUse {
		if err := remove(); codeOf(err) != "DependencyViolation" {
			t.Errorf("%s, while in use: %v", what, err)
		}
	}
	machine := w.machines.get(id)
	machine.slow = make(chan struct{})
	_, err = n.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameShuttingDown)
	for what, remove := range inUse {
		if err := remove(); codeOf(err) != "DependencyViolation" {
			t.Errorf("%s, while its instance shuts down: %v", what, err)
		}
	}
	close(machine.slow)
	w.await(id, types.InstanceStateNameTerminated)

	wantCode(t, n.deleteVpc(), "DependencyViolation")
	wantCode(t, n.deleteTable(), "DependencyViolation")
	noError(t, n.deleteSubnet())
	wantCode(t, n.disassociate(), "InvalidAssociationID.NotFound")
	wantCode(t, n.deleteVpc(), "DependencyViolation")
	noError(t, n.detach())
	wantCode(t, n.detach(), "Gateway.NotAttached")
	noError(t, n.deleteGateway())
	wantCode(t, n.deleteVpc(), "DependencyViolation")
	noError(t, n.deleteTable())
	wantCode(t, n.deleteVpc(), "DependencyViolation")
	noError(t, deleteGroup())
	noError(t, n.deleteVpc())
	wantCode(t, n.deleteVpc(), "InvalidVpcID.NotFound")
	wantCode(t, n.deleteSubnet(), "InvalidSubnetID.NotFound")
	wantCode(t, n.deleteGateway(), "InvalidInternetGatewayID.NotFound")
	wantCode(t, n.deleteTable(), "InvalidRouteTableID.NotFound")
	tags, err := n.api.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{
		{Name: aws.String("resource-type"), Values: []string{"vpc", "subnet", "internet-gateway", "route-table"}},
	}})
	noError(t, err)
	groups, err := n.api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{n.vpc}}}})
	noError(t, err)
	tables, err := n.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{n.vpc}}}})
	noError(t, err)
	if len(tags.Tags)+len(groups.SecurityGroups)+len(tables.RouteTables) != 0 {
		t.Errorf("left are %v, %v, %v", tags.Tags, groups.SecurityGroups, tables.RouteTables)
	}
}

// Each thing alone keeps a VPC from being deleted.
func TestWhatHoldsVPC(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	for what, add := range map[string]func(vpc string) error{
		"a subnet": func(vpc string) error {
			_, err := api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &vpc, CidrBlock: aws.String("10.0.0.0/28")})
			return err
		},
		"a group": func(vpc string) error {
			_, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{VpcId: &vpc, GroupName: aws.String("g"), Description: aws.String("d")})
			return err
		},
		"a route table": func(vpc string) error {
			_, err := api.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &vpc})
			return err
		},
		"a gateway": func(vpc string) error {
			made, err := api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
			noError(t, err)
			_, err = api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{VpcId: &vpc, InternetGatewayId: made.InternetGateway.InternetGatewayId})
			return err
		},
	} {
		made, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
		noError(t, err)
		noError(t, add(*made.Vpc.VpcId))
		if _, err = api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: made.Vpc.VpcId}); codeOf(err) != "DependencyViolation" {
			t.Errorf("with %s: %v", what, err)
		}
	}
	// four were made beside the default one, which is the quota
	_, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	wantCode(t, err, "VpcLimitExceeded")
}

// EC2 gives the address that the subnet says, whether or not it leads anywhere.
func TestPublicAddressIsTheSubnetsMatter(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	launch := func() types.Instance {
		return w.run(func(in *ec2.RunInstancesInput) { in.SubnetId = &n.subnet })
	}
	if i := launch(); aws.ToString(i.PublicIpAddress) != "" {
		t.Errorf("without MapPublicIpOnLaunch it has %s", *i.PublicIpAddress)
	}
	noError(t, n.detach()) // a private address alone holds no gateway
	n.mapPublic()
	if i := launch(); aws.ToString(i.PublicIpAddress) == "" {
		t.Error("without a gateway there is no public address")
	}
	_, err := n.api.ModifyVpcAttribute(t.Context(), &ec2.ModifyVpcAttributeInput{VpcId: &n.vpc, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
	noError(t, err)
	if i := launch(); aws.ToString(i.PublicDnsName) == "" {
		t.Error("with host names it has none")
	}
}

// A route whose gateway is gone leads nowhere, and says so.
func TestRouteToDetachedGatewayIsBlackHole(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	state := func() types.RouteState {
		out, err := n.api.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{Filters: []types.Filter{
			{Name: aws.String("association.subnet-id"), Values: []string{n.subnet}}, {Name: aws.String("tag:k"), Values: []string{"v"}},
		}})
		noError(t, err)
		routes := out.RouteTables[0].Routes
		i := slices.IndexFunc(routes, func(r types.Route) bool { return *r.DestinationCidrBlock == "0.0.0.0/0" })
		return routes[i].State
	}
	if got := state(); got != types.RouteStateActive {
		t.Errorf("attached: %s", got)
	}
	noError(t, n.detach())
	if got := state(); got != types.RouteStateBlackhole {
		t.Errorf("detached: %s", got)
	}
	noError(t, n.deleteGateway())
	if got := state(); got != types.RouteStateBlackhole {
		t.Errorf("deleted: %s", got)
	}
}

// The default VPC is what its documentation says: with a gateway that the main
// route table leads to.
func TestDefaultVPCReachesOut(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	noError(t, err)
	vpc := *vpcs.Vpcs[0].VpcId
	gateways, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{{Name: aws.String("attachment.vpc-id"), Values: []string{vpc}}}})
	noError(t, err)
	tables, err := api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{vpc}},
		{Name: aws.String("association.main"), Values: []string{"true"}},
		{Name: aws.String("route.gateway-id"), Values: []string{*gateways.InternetGateways[0].InternetGatewayId}},
	}})
	noError(t, err)
	if len(gateways.InternetGateways) != 1 || len(tables.RouteTables) != 1 {
		t.Errorf("%d gateways, %d tables", len(gateways.InternetGateways), len(tables.RouteTables))
	}
	_, err = api.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: tables.RouteTables[0].RouteTableId})
	wantCode(t, err, "DependencyViolation")
	_, err = api.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: tables.RouteTables[0].Associations[0].RouteTableAssociationId})
	wantCode(t, err, "InvalidParameterValue")
	attribute, err := api.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &vpc, Attribute: types.VpcAttributeNameEnableDnsHostnames})
	noError(t, err)
	if !*attribute.EnableDnsHostnames.Value {
		t.Error("it has no host names")
	}
}

// A lost answer is asked for again with the same token, which makes no second
// table; the same token for another request is refused.
func TestRouteTableOnceForEachToken(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	create := func(tags []types.TagSpecification) (string, error) {
		out, err := n.api.CreateRouteTable(t.Context(), &ec2.CreateRouteTableInput{VpcId: &n.vpc, ClientToken: aws.String("t"), TagSpecifications: tags})
		if err != nil {
			return "", err
		}
		return *out.RouteTable.RouteTableId, nil
	}
	first, err := create(nil)
	noError(t, err)
	if again, err := create(nil); err != nil || again != first {
		t.Errorf("%s, then %s, %v", first, again, err)
	}
	_, err = create(tagged("route-table"))
	wantCode(t, err, "IdempotentParameterMismatch")
}

func TestNetworkNeedsPermission(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	ann := w.ec2(w.user("ann", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ec2:DeleteRoute","Resource":"*","Condition":{"StringEquals":{"ec2:ResourceTag/k":"other"}}},
		{"Effect":"Allow","Action":"ec2:DeleteSubnet","Resource":"*","Condition":{"ArnLike":{"ec2:Vpc":"arn:aws:ec2:*:*:vpc/`+n.vpc+`"}}},
		{"Effect":"Allow","Action":"ec2:CreateVpc","Resource":"arn:aws:ec2:*:*:vpc/*"}]}`))
	_, err := ann.DeleteRoute(t.Context(), &ec2.DeleteRouteInput{RouteTableId: &n.table, DestinationCidrBlock: aws.String("0.0.0.0/0")})
	wantCode(t, err, "UnauthorizedOperation")
	_, err = ann.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), TagSpecifications: tagged("vpc")})
	wantCode(t, err, "UnauthorizedOperation") // it may make one, but not tag it
	_, err = ann.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation")
	_, err = ann.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &n.subnet})
	noError(t, err)
}
