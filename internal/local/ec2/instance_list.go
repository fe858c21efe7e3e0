package ec2

import (
	"strconv"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeInstancesInput struct {
	Listing
	IDs []string `query:"InstanceId"`
}

type reservationView struct {
	ID        string                      `xml:"reservationId"`
	Owner     string                      `xml:"ownerId"`
	Groups    wire.Items[groupIdentifier] `xml:"groupSet"`
	Instances wire.Items[instanceView]    `xml:"instancesSet"`
}

type describeInstancesOutput struct {
	Reservations wire.Items[reservationView] `xml:"reservationSet"`
	NextToken    string                      `xml:"nextToken,omitempty"`
}

type profileView struct {
	ARN string `xml:"arn"`
	ID  string `xml:"id"`
}

type placementView struct {
	Zone    string `xml:"availabilityZone"`
	ZoneID  string `xml:"availabilityZoneId"`
	Group   string `xml:"groupName"`
	Tenancy string `xml:"tenancy"`
}

type instanceDeviceView struct {
	Device string `xml:"deviceName"`
	EBS    struct {
		Volume string `xml:"volumeId"`
		Status string `xml:"status"`
		Time   string `xml:"attachTime"`
		Delete bool   `xml:"deleteOnTermination"`
	} `xml:"ebs"`
}

type metadataView struct {
	State    string `xml:"state"`
	Tokens   string `xml:"httpTokens"`
	HopLimit int    `xml:"httpPutResponseHopLimit"`
	Endpoint string `xml:"httpEndpoint"`
	IPv6     string `xml:"httpProtocolIpv6"`
	Tags     string `xml:"instanceMetadataTags"`
}

type instanceView struct {
	ID              string                         `xml:"instanceId"`
	Image           string                         `xml:"imageId"`
	State           stateView                      `xml:"instanceState"`
	PrivateDNS      string                         `xml:"privateDnsName"`
	PublicDNS       string                         `xml:"dnsName"`
	Transition      string                         `xml:"reason"`
	KeyName         string                         `xml:"keyName,omitempty"`
	Index           int                            `xml:"amiLaunchIndex"`
	ProductCodes    wire.Items[string]             `xml:"productCodes"`
	Type            string                         `xml:"instanceType"`
	Launched        string                         `xml:"launchTime"`
	Placement       placementView                  `xml:"placement"`
	Monitoring      monitoringView                 `xml:"monitoring"`
	Subnet          string                         `xml:"subnetId,omitempty"`
	VPC             string                         `xml:"vpcId,omitempty"`
	PrivateIP       string                         `xml:"privateIpAddress,omitempty"`
	PublicIP        string                         `xml:"ipAddress,omitempty"`
	SourceDestCheck *bool                          `xml:"sourceDestCheck"`
	Groups          wire.Items[groupIdentifier]    `xml:"groupSet"`
	Reason          *StateReason                   `xml:"stateReason"`
	Architecture    string                         `xml:"architecture"`
	RootDeviceType  string                         `xml:"rootDeviceType"`
	RootDevice      string                         `xml:"rootDeviceName"`
	Devices         wire.Items[instanceDeviceView] `xml:"blockDeviceMapping"`
	Virtualization  string                         `xml:"virtualizationType"`
	Token           string                         `xml:"clientToken"`
	Tags            wire.Items[Tag]                `xml:"tagSet"`
	Hypervisor      string                         `xml:"hypervisor"`
	Interfaces      wire.Items[interfaceView]      `xml:"networkInterfaceSet"`
	Profile         *profileView                   `xml:"iamInstanceProfile"`
	EBSOptimized    bool                           `xml:"ebsOptimized"`
	ENA             bool                           `xml:"enaSupport"`
	Metadata        metadataView                   `xml:"metadataOptions"`
	Platform        string                         `xml:"platformDetails"`
	Usage           string                         `xml:"usageOperation"`
	Hibernation     hibernationView                `xml:"hibernationOptions"`
	Lifecycle       string                         `xml:"instanceLifecycle,omitempty"`
	SpotRequest     string                         `xml:"spotInstanceRequestId,omitempty"`
	Capacity        string                         `xml:"capacityReservationId,omitempty"`
	CapacitySpec    *capacitySpecificationView     `xml:"capacityReservationSpecification"`
}

type monitoringView struct {
	State string `xml:"state"`
}

func monitoring(detailed bool) string {
	if detailed {
		return "enabled"
	}
	return "disabled"
}

type hibernationView struct {
	Configured bool `xml:"configured"`
}

func (s *Service) viewInstance(tx *store.Tx, i Instance) instanceView {
	v := instanceView{
		ID: i.ID, Image: i.Image, State: i.State.view(), PublicDNS: s.publicName(tx, i.VPC, i.PublicIP), Transition: i.Transition,
		KeyName: i.KeyName, Index: i.Index, Type: i.Type, Launched: wire.Time(i.Launched),
		Placement:  placementView{Zone: i.Zone, ZoneID: i.ZoneID, Tenancy: "default"},
		Monitoring: monitoringView{monitoring(i.Monitored)}, Subnet: i.Subnet, VPC: i.VPC, PrivateIP: i.PrivateIP, PublicIP: i.PublicIP,
		Groups: s.identifyGroups(tx, i.Groups), Architecture: i.Architecture, RootDeviceType: "ebs", RootDevice: i.RootDevice,
		Virtualization: "hvm", Token: i.Token, Tags: s.tagList(tx, i.ID), Hypervisor: "xen", ENA: true,
		Metadata: viewMetadata(i.Metadata),
		Platform: "Linux/UNIX", Usage: "RunInstances",
	}
	if i.PrivateIP != "" {
		v.PrivateDNS = privateDNS(i.Region, i.PrivateIP)
	}
	v.EBSOptimized, v.Hibernation.Configured = i.EBSOptimized, i.Hibernation
	v.SpotRequest, v.Lifecycle = i.SpotRequest, i.lifecycle()
	v.Capacity, v.CapacitySpec = i.Capacity, i.viewCapacity()
	if i.Reason.Code != "" {
		v.Reason = &i.Reason
	}
	if i.ProfileARN != "" {
		v.Profile = &profileView{i.ProfileARN, i.ProfileID}
	}
	for _, vol := range s.volumesOf(tx, i) {
		d := instanceDeviceView{Device: vol.Device}
		d.EBS.Volume, d.EBS.Status, d.EBS.Time, d.EBS.Delete = vol.ID, "attached", wire.Time(vol.Attached), vol.DeleteOnTermination
		v.Devices = append(v.Devices, d)
	}
	if n, found := s.interfaces.Get(tx, i.Interface); found {
		check := true
		v.SourceDestCheck = &check
		v.Interfaces = wire.Items[interfaceView]{s.viewInterface(tx, n)}
	}
	return v
}

// attribute is the filters of DescribeInstances.
func (i Instance) attribute(name string) ([]string, bool) {
	switch name {
	case "instance-id":
		return one(i.ID)
	case "instance-state-name":
		return one(string(i.State))
	case "instance-state-code":
		return one(strconv.Itoa(i.State.code()))
	case "instance-type":
		return one(i.Type)
	case "client-token":
		return one(i.Token)
	case "availability-zone":
		return one(i.Zone)
	case "image-id":
		return one(i.Image)
	case "key-name":
		return one(i.KeyName)
	case "reservation-id":
		return one(i.Reservation)
	case "vpc-id":
		return one(i.VPC)
	case "subnet-id":
		return one(i.Subnet)
	case "private-ip-address":
		return one(i.PrivateIP)
	case "ip-address":
		return one(i.PublicIP)
	case "instance.group-id", "group-id":
		return i.Groups, true
	case "iam-instance-profile.arn":
		return one(i.ProfileARN)
	case "architecture":
		return one(i.Architecture)
	case "owner-id":
		return one(i.Owner)
	case "instance-lifecycle":
		return one(i.lifecycle())
	case "spot-instance-request-id":
		return one(i.SpotRequest)
	case "hibernation-options.configured":
		return truth(i.Hibernation)
	case "capacity-reservation-id":
		return one(i.Capacity)
	case "state-reason-code":
		return one(i.Reason.Code)
	}
	return nil, false
}

// describeInstances groups what it finds by launch. A page counts instances,
// so a launch may be spread over pages.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
func (s *Service) describeInstances(tx *store.Tx, c *call.Caller, in *describeInstancesInput) (*describeInstancesOutput, error) {
	found, next, err := listingOf(s, tx, c, s.instances, Instance.attribute, limits{5, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	out := &describeInstancesOutput{NextToken: next}
	at := map[string]int{}
	for _, i := range found {
		n, seen := at[i.Reservation]
		if !seen {
			n = len(out.Reservations)
			at[i.Reservation] = n
			out.Reservations = append(out.Reservations, reservationView{ID: i.Reservation, Owner: i.Owner})
		}
		out.Reservations[n].Instances = append(out.Reservations[n].Instances, s.viewInstance(tx, i))
	}
	return out, nil
}
