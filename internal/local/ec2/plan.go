package ec2

import (
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/iam"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// launchPlan is a launch request with everything that it names found.
type launchPlan struct {
	image    Image
	kind     catalog.Type
	subnet   Subnet
	groups   []SecurityGroup
	key      KeyPair // zero: none
	profile  iam.Profile
	role     string // the ARN of the profile's role
	metadata MetadataOptions
	volumes  []Volume
	spot     spotTerms                    // only of a Spot launch
	public   *bool                        // whether it gets a public address; nil: as the subnet says
	tags     map[string]map[string]string // by kind of resource
}

// plan finds what a request names, or says what does not exist or does not fit.
func (s *Service) plan(tx *store.Tx, c *call.Caller, in *runInput) (p launchPlan, err error) {
	if p.image, err = s.findImage(c, in.ImageID); err != nil {
		return p, err
	}
	if p.kind, err = findType(in.InstanceType, p.image); err != nil {
		return p, err
	}
	if p.subnet, err = s.findSubnet(tx, c, in); err != nil {
		return p, err
	}
	if p.groups, err = s.findGroups(tx, c, in, p.subnet); err != nil {
		return p, err
	}
	p.public = in.public()
	if in.KeyName != "" {
		if p.key, err = s.findKey(tx, c.Region, in.KeyName); err != nil {
			return p, err
		}
	}
	if err := s.findProfile(tx, in, &p); err != nil {
		return p, err
	}
	if p.metadata, err = in.metadata(p.image); err != nil {
		return p, err
	}
	if p.volumes, err = planVolumes(p.image, in.BlockDeviceMappings); err != nil {
		return p, err
	}
	if err := p.addOptions(in, c.Region, tx.Now()); err != nil {
		return p, err
	}
	p.tags, err = readLaunchTags(in, p.metadata)
	return p, err
}

// addOptions checks the launch's market, hibernation and CPU credits against
// what was found, and notes the terms of Spot.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreditSpecificationRequest.html
func (p *launchPlan) addOptions(in *runInput, region string, now time.Time) (err error) {
	if in.spot() {
		if p.spot, err = in.spotTerms(now); err != nil {
			return err
		}
		if err := checkSpotPrice(region, in.InstanceType, p.spot); err != nil {
			return err
		}
	}
	if in.HibernationOptions.Configured {
		if err := checkHibernation(p.kind, p.image, p.volumes[0]); err != nil {
			return err
		}
	}
	if in.CreditSpecification.CPUCredits != "" && !p.kind.Burstable {
		return errCombination("The instance type '%s' does not support CPU credits", p.kind.Name)
	}
	return nil
}

// readLaunchTags reads the tags for the instance and what is born with it.
func readLaunchTags(in *runInput, m MetadataOptions) (map[string]map[string]string, error) {
	tags, err := readSpecifications(in.TagSpecifications, "instance", "volume", "network-interface", "spot-instances-request")
	if err != nil {
		return nil, err
	}
	if _, spot := tags["spot-instances-request"]; spot && !in.spot() {
		return nil, errCombination("Tags for a spot-instances-request cannot be given for a launch that makes none")
	}
	if m.Tags == "enabled" {
		if err := checkMetadataKeys(tags["instance"]); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// findType finds the type and holds its architecture against the image's.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func findType(name string, image Image) (catalog.Type, error) {
	t, found := catalog.Lookup(name)
	if !found {
		return t, errValue("Invalid value '%s' for InstanceType.", name)
	}
	if names := t.Architectures.Names(); len(names) > 0 && !slices.Contains(names, image.Architecture) {
		return t, errValue("The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. "+
			"Specify an instance type and an AMI that have matching architectures, and try again.", strings.Join(names, ","), image.Architecture)
	}
	return t, nil
}

// findSubnet is the named subnet, the default one of the named zone, or the
// default one with most room among the zones that have the type.
func (s *Service) findSubnet(tx *store.Tx, c *call.Caller, in *runInput) (Subnet, error) {
	offering, offered := catalog.Offered(c.Region, in.InstanceType)
	if !offered {
		return Subnet{}, wire.Errorf("Unsupported", "The requested configuration is currently not supported. Please check the documentation for supported configurations.")
	}
	fits := func(zone string) bool {
		return len(offering.Zones) == 0 || slices.ContainsFunc(offering.Zones, func(z catalog.Zone) bool { return z.Name == zone })
	}
	zone, err := s.zoneOf(tx, c, in)
	if err != nil {
		return Subnet{}, err
	}
	if zone != "" && !fits(zone) {
		return Subnet{}, wire.Errorf("Unsupported", "Your requested instance type (%s) is not supported in your requested Availability Zone (%s). "+
			"Please retry your request by not specifying an Availability Zone or choosing %s.", in.InstanceType, zone, zoneNames(offering.Zones))
	}
	if id := in.subnetID(); id != "" {
		n, _ := s.subnets.Get(tx, id)
		return n, nil
	}
	var best Subnet
	for _, n := range s.subnets.All(tx) {
		if n.Region != c.Region || !n.Default || !fits(n.Zone) || (zone != "" && n.Zone != zone) {
			continue
		}
		if best.ID == "" || s.prefers(n, best, in.InstanceType) {
			best = n
		}
	}
	if best.ID == "" {
		return best, wire.Errorf("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
	}
	return best, nil
}

// prefers tells whether a launch goes to n rather than to other: to where there
// is capacity, then to where there are more addresses.
func (s *Service) prefers(n, other Subnet, instanceType string) bool {
	full, otherFull := s.Faults.NoCapacity(n.Zone, instanceType), s.Faults.NoCapacity(other.Zone, instanceType)
	if full != otherFull {
		return otherFull
	}
	return n.size()-n.Used > other.size()-other.Used
}

func zoneNames(zones []catalog.Zone) string {
	var names []string
	for _, z := range zones {
		names = append(names, z.Name)
	}
	return strings.Join(names, ", ")
}

// zoneOf is the zone that a request names, by its subnet, name or id; empty if
// it names none.
func (s *Service) zoneOf(tx *store.Tx, c *call.Caller, in *runInput) (string, error) {
	zone := in.Placement.AvailabilityZone
	if zone != "" || in.Placement.AvailabilityZoneID != "" {
		if zone != "" && in.Placement.AvailabilityZoneID != "" {
			return "", errCombination("The parameters AvailabilityZone and AvailabilityZoneId cannot be used together")
		}
		i := slices.IndexFunc(catalog.Zones(c.Region), func(z catalog.Zone) bool {
			return z.Name == zone || z.ID == in.Placement.AvailabilityZoneID
		})
		if i < 0 {
			return "", errValue("Invalid availability zone: [%s]", zone+in.Placement.AvailabilityZoneID)
		}
		zone = catalog.Zones(c.Region)[i].Name
	}
	if in.subnetID() == "" {
		return zone, nil
	}
	n, err := s.subnets.find(tx, c.Region, in.subnetID())
	if err != nil {
		return "", err
	}
	if zone != "" && zone != n.Zone {
		return "", errValue("The availability zone %s does not match the zone %s of the subnet %s", zone, n.Zone, n.ID)
	}
	return n.Zone, nil
}

func (s *Service) findGroups(tx *store.Tx, c *call.Caller, in *runInput, n Subnet) ([]SecurityGroup, error) {
	var out []SecurityGroup
	for _, id := range in.groupIDs() {
		g, err := s.groups.find(tx, c.Region, id)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	for _, name := range in.SecurityGroups {
		g, err := s.groupNamed(tx, c, "", name)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	if len(out) == 0 {
		g, found := s.groupByName(tx, n.VPC, "default")
		if !found {
			return nil, wire.Errorf("InvalidGroup.NotFound", "The VPC %s has no default security group", n.VPC)
		}
		out = append(out, g)
	}
	for _, g := range out {
		if g.VPC != n.VPC {
			return nil, errValue("Security group %s and subnet %s belong to different networks.", g.ID, n.ID)
		}
	}
	return out, nil
}

// findProfile finds the instance profile by name or ARN. AWS takes seconds to
// know a new one, and answers as for one that does not exist.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
func (s *Service) findProfile(tx *store.Tx, in *runInput, p *launchPlan) error {
	name, arn := in.IamInstanceProfile.Name, in.IamInstanceProfile.ARN
	if name == "" && arn == "" {
		return nil
	}
	if arn != "" {
		name = arn[strings.LastIndex(arn, "/")+1:]
	}
	profile, found := s.IAM.Profile(tx, name)
	found = found && !s.Faults.ProfileUnknown(profile.Created)
	switch {
	case !found && arn == "":
		return errValue("Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", name)
	case arn != "" && (!found || s.IAM.ProfileARN(profile) != arn):
		return errValue("Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN", arn)
	}
	role, found := s.IAM.RoleARN(tx, profile.Role)
	if !found {
		return errValue("IAM Instance Profile \"%s\" has no associated IAM Roles", s.IAM.ProfileARN(profile))
	}
	p.profile, p.role = profile, role
	return nil
}
