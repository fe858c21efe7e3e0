package ec2

import (
	"strconv"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeRouteTablesInput struct {
	Listing
	IDs []string `query:"RouteTableId"`
}

type routeView struct {
	CIDR    string `xml:"destinationCidrBlock"`
	Gateway string `xml:"gatewayId"`
	State   string `xml:"state"`
	Origin  string `xml:"origin"`
}

type associationRowView struct {
	ID     string               `xml:"routeTableAssociationId"`
	Table  string               `xml:"routeTableId"`
	Subnet string               `xml:"subnetId,omitempty"`
	Main   bool                 `xml:"main"`
	State  associationStateView `xml:"associationState"`
}

type routeTableView struct {
	ID           string                         `xml:"routeTableId"`
	VPC          string                         `xml:"vpcId"`
	Owner        string                         `xml:"ownerId"`
	Routes       wire.Items[routeView]          `xml:"routeSet"`
	Associations wire.Items[associationRowView] `xml:"associationSet"`
	Propagating  wire.Items[string]             `xml:"propagatingVgwSet"`
	Tags         wire.Items[Tag]                `xml:"tagSet"`
}

type describeRouteTablesOutput struct {
	Tables    wire.Items[routeTableView] `xml:"routeTableSet"`
	NextToken string                     `xml:"nextToken,omitempty"`
}

// viewRouteTable shows a table with its local route. A route to a gateway that
// is gone or no longer attached is a black hole.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
func (s *Service) viewRouteTable(tx *store.Tx, t RouteTable) routeTableView {
	vpc, _ := s.vpcs.Get(tx, t.VPC)
	v := routeTableView{ID: t.ID, VPC: t.VPC, Owner: s.Account, Tags: s.tagList(tx, t.ID)}
	v.Routes = wire.Items[routeView]{{vpc.CIDR, "local", "active", "CreateRouteTable"}}
	for _, r := range t.Routes {
		state := "blackhole"
		if g, _ := s.gateways.Get(tx, r.Gateway); g.VPC == t.VPC {
			state = "active"
		}
		v.Routes = append(v.Routes, routeView{r.CIDR, r.Gateway, state, "CreateRoute"})
	}
	for _, a := range t.Associations {
		v.Associations = append(v.Associations, associationRowView{a.ID, t.ID, a.Subnet, a.Main, associationStateView{"associated"}})
	}
	return v
}

// attribute is the filters of DescribeRouteTables; those on routes and
// associations have as many values as the table has of them.
func (v routeTableView) attribute(name string) ([]string, bool) {
	routes := func(value func(routeView) string) (out []string, known bool) {
		for _, r := range v.Routes {
			out = append(out, value(r))
		}
		return out, true
	}
	associations := func(value func(associationRowView) string) (out []string, known bool) {
		for _, a := range v.Associations {
			out = append(out, value(a))
		}
		return out, true
	}
	switch name {
	case "route-table-id":
		return one(v.ID)
	case "vpc-id":
		return one(v.VPC)
	case "owner-id":
		return one(v.Owner)
	case "route.destination-cidr-block":
		return routes(func(r routeView) string { return r.CIDR })
	case "route.gateway-id":
		return routes(func(r routeView) string { return r.Gateway })
	case "route.state":
		return routes(func(r routeView) string { return r.State })
	case "route.origin":
		return routes(func(r routeView) string { return r.Origin })
	case "association.route-table-association-id":
		return associations(func(a associationRowView) string { return a.ID })
	case "association.route-table-id":
		return associations(func(a associationRowView) string { return a.Table })
	case "association.subnet-id":
		return associations(func(a associationRowView) string { return a.Subnet })
	case "association.main":
		return associations(func(a associationRowView) string { return strconv.FormatBool(a.Main) })
	}
	return nil, false
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html
func (s *Service) describeRouteTables(tx *store.Tx, c *call.Caller, in *describeRouteTablesInput) (*describeRouteTablesOutput, error) {
	view := func(t RouteTable) routeTableView { return s.viewRouteTable(tx, t) }
	attribute := func(t RouteTable, name string) ([]string, bool) { return view(t).attribute(name) }
	found, next, err := listingOf(s, tx, c, s.routeTables, attribute, limits{5, 100}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeRouteTablesOutput{show(found, view), next}, nil
}
