package ec2

import (
	"fmt"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// authorizeLaunch asks for every permission that a launch takes: on each
// resource it makes or uses, to tag, and to pass the role.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
func (s *Service) authorizeLaunch(tx *store.Tx, c *call.Caller, in *runInput, p launchPlan) error {
	base := s.regionKey(c)
	type need struct {
		kind, id string
		keys     policy.Context
	}
	instance := requestKeys(p.tags["instance"])
	instance.Set("ec2:InstanceType", p.kind.Name)
	instance.Set("ec2:AvailabilityZone", p.subnet.Zone)
	instance.Set("ec2:RootDeviceType", "ebs")
	instance.Set("ec2:MetadataHttpTokens", p.metadata.Tokens)
	instance.Set("ec2:MetadataHttpEndpoint", p.metadata.Endpoint)
	if p.role != "" {
		instance.Set("ec2:InstanceProfile", s.IAM.ProfileARN(p.profile))
	}
	image := policy.Context{}
	image.Set("ec2:ImageID", p.image.ID)
	image.Set("ec2:Owner", p.image.Owner)
	image.Set("ec2:Public", "true")
	nic := requestKeys(p.tags["network-interface"])
	if p.public != nil {
		nic.Set("ec2:AssociatePublicIpAddress", fmt.Sprint(*p.public))
	}
	needs := []need{
		{"instance", "*", instance},
		{"image", p.image.ID, image},
		{"subnet", p.subnet.ID, s.subnetKeys(tx, p.subnet)},
		{"network-interface", "*", nic},
	}
	for _, g := range p.groups {
		needs = append(needs, need{"security-group", g.ID, s.groupKeys(tx, g)})
	}
	for _, v := range p.volumes {
		keys := requestKeys(p.tags["volume"])
		keys.Set("ec2:VolumeType", v.Type)
		keys.Set("ec2:VolumeSize", fmt.Sprint(v.SizeGiB))
		keys.Set("ec2:Encrypted", fmt.Sprint(v.Encrypted))
		needs = append(needs, need{"volume", "*", keys})
	}
	if p.key.Name != "" {
		needs = append(needs, need{"key-pair", p.key.Name, s.resourceKeys(tx, c.Region, p.key.ID)})
	}
	if in.spot() {
		needs = append(needs, need{"spot-instances-request", "*", requestKeys(p.tags["spot-instances-request"])})
	}
	if id := in.CapacityReservationSpecification.Target.ID; id != "" {
		needs = append(needs, need{"capacity-reservation", id, s.resourceKeys(tx, c.Region, id)})
	}
	for _, n := range needs {
		if err := c.Require("ec2:RunInstances", s.arn(c.Region, n.kind, n.id), n.keys.Merge(base)); err != nil {
			return err
		}
	}
	for _, kind := range []string{"instance", "volume", "network-interface", "spot-instances-request"} {
		if err := s.requireTagging(c, "RunInstances", kind, p.tags[kind]); err != nil {
			return err
		}
	}
	if p.role == "" {
		return nil
	}
	pass := policy.Context{}
	pass.Set("iam:PassedToService", "ec2.amazonaws.com")
	pass.Set("iam:AssociatedResourceArn", s.arn(c.Region, "instance", "*"))
	return c.Require("iam:PassRole", p.role, pass)
}
