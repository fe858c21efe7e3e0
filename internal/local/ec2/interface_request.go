package ec2

import "github.com/spawn-ec2/spawn/internal/local/wire"

// interfaceRequest is the network interface that a launch asks for. It is the
// instance's only one; every other parameter of it is refused.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html
type interfaceRequest struct {
	DeviceIndex              *int
	SubnetID                 string   `query:"SubnetId"`
	Groups                   []string `query:"SecurityGroupId"`
	AssociatePublicIPAddress *bool    `query:"AssociatePublicIpAddress"`
	DeleteOnTermination      *bool
}

// checkInterfaces refuses what does not go with an interface that is asked for:
// its subnet and groups are its own, not the request's.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
// https://github.com/aws/aws-cli/issues/518
// https://github.com/aws/aws-sdk-ruby/issues/662
func (in *runInput) checkInterfaces() error {
	if len(in.NetworkInterfaces) == 0 {
		return nil
	}
	n := in.NetworkInterfaces[0]
	switch {
	case len(in.NetworkInterfaces) > 1:
		return wire.Errorf("UnsupportedOperation", "An instance of this cloud has one network interface")
	case in.SubnetID != "":
		return errCombination("Network interfaces and an instance-level subnet ID may not be specified on the same request")
	case len(in.SecurityGroupIDs)+len(in.SecurityGroups) > 0:
		return errCombination("Network interfaces and an instance-level security groups may not be specified on the same request")
	case n.DeviceIndex == nil:
		return errValue("Each network interface requires a device index.")
	case *n.DeviceIndex != 0:
		return errValue("When specifying network interfaces, you must include a device at index 0.")
	case n.DeleteOnTermination != nil && !*n.DeleteOnTermination:
		return wire.Errorf("UnsupportedOperation", "A network interface of this cloud ends with its instance")
	}
	return nil
}

// subnetID is the subnet that a request names; empty if it names none.
func (in *runInput) subnetID() string {
	if len(in.NetworkInterfaces) > 0 {
		return in.NetworkInterfaces[0].SubnetID
	}
	return in.SubnetID
}

// groupIDs are the groups that a request names by their ids.
func (in *runInput) groupIDs() []string {
	if len(in.NetworkInterfaces) > 0 {
		return in.NetworkInterfaces[0].Groups
	}
	return in.SecurityGroupIDs
}

// public is whether a request asks for a public address; nil leaves it to the
// subnet.
func (in *runInput) public() *bool {
	if len(in.NetworkInterfaces) > 0 {
		return in.NetworkInterfaces[0].AssociatePublicIPAddress
	}
	return nil
}

// getsPublic tells whether an interface gets a public address when its instance
// starts: as its launch said, else as its subnet says.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html
func (n Interface) getsPublic(subnet Subnet) bool {
	if n.Public != nil {
		return *n.Public
	}
	return subnet.MapPublicIP
}
