package ec2

import (
	"regexp"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// The codes are those of
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html

func errMissing(parameter string) *wire.Error {
	return wire.Errorf("MissingParameter", "The request must contain the parameter %s", parameter)
}

func errValue(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameterValue", format, args...)
}

func errCombination(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameterCombination", format, args...)
}

// kind is a sort of resource: how its ids begin and what its errors are called.
type kind struct {
	prefix   string // i, vol, sg
	arn      string // instance, volume
	notFound string // the code
	badForm  string // the code
	name     string // in messages
}

// kinds are those that can be named by an id. The type of a resource in tags is
// the word in its ARN.
func kinds() []kind {
	return []kind{
		{"i", "instance", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "instance"},
		{"vol", "volume", "InvalidVolume.NotFound", "InvalidParameterValue", "volume"},
		{"eni", "network-interface", "InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterfaceId.Malformed", "networkInterface"},
		{"sg", "security-group", "InvalidGroup.NotFound", "InvalidGroupId.Malformed", "security group"},
		{"vpc", "vpc", "InvalidVpcID.NotFound", "InvalidVpcId.Malformed", "vpc"},
		{"subnet", "subnet", "InvalidSubnetID.NotFound", "InvalidSubnetId.Malformed", "subnet"},
		{"igw", "internet-gateway", "InvalidInternetGatewayID.NotFound", "InvalidInternetGatewayId.Malformed", "internetGateway"},
		{"rtb", "route-table", "InvalidRouteTableID.NotFound", "InvalidRouteTableId.Malformed", "routeTable"},
		{"sgr", "security-group-rule", "InvalidSecurityGroupRuleId.NotFound", "InvalidSecurityGroupRuleId.Malformed", "security group rule"},
		{"cr", "capacity-reservation", "InvalidCapacityReservationId.NotFound", "InvalidCapacityReservationId.Malformed", "capacity reservation"},
		{"sir", "spot-instances-request", "InvalidSpotInstanceRequestID.NotFound", "InvalidSpotInstanceRequestID.Malformed", "spot instance request"},
		{"key", "key-pair", "InvalidKeyPair.NotFound", "InvalidParameterValue", "key pair"},
		{"ami", "image", "InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "image id"},
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

// errNoResource is the answer to an id that no resource of the kind has, and to
// one that none can have.
func errNoResource(prefix, id string) *wire.Error {
	k, known := kindOf(prefix + "-")
	if !known {
		panic("ec2: no kind of resource begins with " + prefix)
	}
	if !idForm.MatchString(id) || !strings.HasPrefix(id, prefix+"-") {
		return wire.Errorf(k.badForm, `Invalid id: "%s" (expecting "%s-...")`, id, prefix)
	}
	switch prefix {
	case "i", "subnet", "vpc", "igw", "rtb", "sgr":
		return wire.Errorf(k.notFound, "The %s ID '%s' does not exist", k.name, id)
	case "ami":
		return wire.Errorf(k.notFound, "The image id '[%s]' does not exist", id)
	default:
		return wire.Errorf(k.notFound, "The %s '%s' does not exist", k.name, id)
	}
}
