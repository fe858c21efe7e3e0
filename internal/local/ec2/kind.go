package ec2

import (
	"regexp"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// kind is a sort of resource: how its ids begin and what its errors are called.
type kind struct {
	prefix    string // i, vol, sg
	arn       string // instance, volume: in ARNs, and what tags call its type
	notFound  string // the code
	badForm   string // the code
	name      string // in messages
	parameter string // in which operations on one resource take its id
}

// kinds are those that can be named by an id.
func kinds() []kind {
	return []kind{
		{"i", "instance", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "instance ID", "instanceId"},
		{"vol", "volume", "InvalidVolume.NotFound", "InvalidParameterValue", "volume", "volumeId"},
		{"eni", "network-interface", "InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterfaceId.Malformed", "networkInterface", "networkInterfaceId"},
		{"sg", "security-group", "InvalidGroup.NotFound", "InvalidGroupId.Malformed", "security group", "groupId"},
		{"vpc", "vpc", "InvalidVpcID.NotFound", "InvalidVpcId.Malformed", "vpc ID", "vpcId"},
		{"subnet", "subnet", "InvalidSubnetID.NotFound", "InvalidSubnetId.Malformed", "subnet ID", "subnetId"},
		{"igw", "internet-gateway", "InvalidInternetGatewayID.NotFound", "InvalidInternetGatewayId.Malformed", "internetGateway ID", "internetGatewayId"},
		{"rtb", "route-table", "InvalidRouteTableID.NotFound", "InvalidRouteTableId.Malformed", "routeTable ID", "routeTableId"},
		{"sgr", "security-group-rule", "InvalidSecurityGroupRuleId.NotFound", "InvalidSecurityGroupRuleId.Malformed", "security group rule ID", "securityGroupRuleId"},
		{"cr", "capacity-reservation", "InvalidCapacityReservationId.NotFound", "InvalidCapacityReservationId.Malformed", "capacity reservation", "CapacityReservationId"},
		{"sir", "spot-instances-request", "InvalidSpotInstanceRequestID.NotFound", "InvalidSpotInstanceRequestID.Malformed", "spot instance request", "SpotInstanceRequestId"},
		{"key", "key-pair", "InvalidKeyPair.NotFound", "InvalidParameterValue", "key pair", "KeyPairId"},
		{"ami", "image", "InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "image id", "ImageId"},
	}
}

// kindOf is the kind that an id claims to be of.
func kindOf(id string) (kind, bool) {
	prefix, _, _ := strings.Cut(id, "-")
	for _, k := range kinds() {
		if k.prefix == prefix {
			return k, true
		}
	}
	return kind{}, false
}

var idForm = regexp.MustCompile(`^(?:[a-z]+-(?:[0-9a-f]{8}|[0-9a-f]{17})|sir-[0-9a-z]{8})$`)

// errNoResource is the answer to an id that no resource of the kind has, to one
// that none can have, and to none at all.
func errNoResource(prefix, id string) *wire.Error {
	k, known := kindOf(prefix + "-")
	switch {
	case !known:
		panic("ec2: no kind of resource begins with " + prefix)
	case id == "":
		return errMissing(k.parameter)
	case !idForm.MatchString(id) || !strings.HasPrefix(id, prefix+"-"):
		return wire.Errorf(k.badForm, `Invalid id: "%s" (expecting "%s-...")`, id, prefix)
	case prefix == "ami":
		return wire.Errorf(k.notFound, "The image id '[%s]' does not exist", id)
	}
	return wire.Errorf(k.notFound, "The %s '%s' does not exist", k.name, id)
}
