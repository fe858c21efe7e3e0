package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// maxUserData is the most bytes of user-data, before base64.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
const maxUserData = 16384

// runInput is what RunInstances takes here; every other parameter is refused.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
type runInput struct {
	call.Dry
	ClientToken                       string
	MinCount                          *int
	MaxCount                          *int
	ImageID                           string `query:"ImageId"`
	InstanceType                      string
	KeyName                           string
	SubnetID                          string             `query:"SubnetId"`
	SecurityGroupIDs                  []string           `query:"SecurityGroupId"`
	SecurityGroups                    []string           `query:"SecurityGroup"`
	NetworkInterfaces                 []interfaceRequest `query:"NetworkInterface"`
	UserData                          []byte
	InstanceInitiatedShutdownBehavior string
	DisableAPITermination             bool `query:"DisableApiTermination"`

	Placement struct {
		AvailabilityZone   string
		AvailabilityZoneID string `query:"AvailabilityZoneId"`
		Tenancy            string
	}
	IamInstanceProfile struct {
		ARN  string `query:"Arn"`
		Name string
	}
	MetadataOptions       metadataRequest
	BlockDeviceMappings   []blockDevice      `query:"BlockDeviceMapping"`
	TagSpecifications     []tagSpecification `query:"TagSpecification"`
	InstanceMarketOptions *marketOptions
	HibernationOptions    struct {
		Configured bool
	}
	CapacityReservationSpecification capacitySpecification
	CreditSpecification              struct {
		CPUCredits string `query:"CpuCredits"`
	}
	EBSOptimized bool `query:"EbsOptimized"`
	Monitoring   struct {
		Enabled bool
	}
}

// check refuses what is wrong with the request in itself.
func (in *runInput) check() error {
	switch {
	case in.MinCount == nil:
		return errMissing("MinCount")
	case in.MaxCount == nil:
		return errMissing("MaxCount")
	case *in.MinCount < 1:
		return errValue("Invalid value '%d' for instanceCount: it must be at least 1", *in.MinCount)
	case *in.MaxCount < *in.MinCount:
		return errValue("Invalid value '%d' for MaxCount: it must not be below MinCount", *in.MaxCount)
	case len(in.ClientToken) > 64 || !isASCII(in.ClientToken):
		return errValue("Invalid value for ClientToken: up to 64 ASCII characters are allowed")
	case in.InstanceType == "":
		return errMissing("InstanceType")
	case len(in.UserData) > maxUserData:
		return errValue("User data is limited to %d bytes", maxUserData)
	case in.Placement.Tenancy != "" && in.Placement.Tenancy != "default":
		return wire.Errorf("UnsupportedOperation", "This cloud does not have the tenancy %s", in.Placement.Tenancy)
	case in.DisableAPITermination && in.spot():
		return errCombination("Termination protection cannot be enabled for Spot Instances")
	case len(in.SecurityGroups) > 0 && in.SubnetID != "":
		return errCombination("The parameter groupName cannot be used with the parameter subnet")
	case in.IamInstanceProfile.ARN != "" && in.IamInstanceProfile.Name != "":
		return errCombination("The parameters iamInstanceProfile.name and iamInstanceProfile.arn cannot be used together")
	}
	if err := in.checkInterfaces(); err != nil {
		return err
	}
	if err := in.CapacityReservationSpecification.check(in.spot()); err != nil {
		return err
	}
	if err := oneOf("CpuCredits", in.CreditSpecification.CPUCredits, "standard", "unlimited"); err != nil {
		return err
	}
	return oneOf("InstanceInitiatedShutdownBehavior", in.InstanceInitiatedShutdownBehavior, "stop", "terminate")
}

// oneOf refuses a value that is given and none of those allowed.
func oneOf(parameter, value string, allowed ...string) error {
	if value == "" {
		return nil
	}
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return errValue("Invalid value '%s' for %s", value, parameter)
}

// metadata completes the request's options. An image that is made for version
// 2 of the metadata service has other defaults.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
func (in *runInput) metadata(image Image) (MetadataOptions, error) {
	o := MetadataOptions{Endpoint: "enabled", Tokens: "optional", HopLimit: 1, Tags: "disabled"}
	if image.MetadataV2 {
		o.Tokens, o.HopLimit = "required", 2
	}
	return in.MetadataOptions.apply(o)
}
