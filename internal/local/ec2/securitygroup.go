package ec2

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// SecurityGroup is a firewall of interfaces.
type SecurityGroup struct {
	ID, Region, VPC   string
	Name, Description string
	Rules             []Rule // of what may come in
	Egress            []Rule // of what may go out
	Created           time.Time
}

func (g SecurityGroup) origin() origin { return origin{"sg", g.ID, g.Region, g.Created} }

// groupByName finds a group in a VPC.
func (s *Service) groupByName(tx *store.Tx, vpc, name string) (SecurityGroup, bool) {
	for _, g := range s.groups.All(tx) {
		if g.VPC == vpc && g.Name == name {
			return g, true
		}
	}
	return SecurityGroup{}, false
}

// groupNamed finds a group by id or, in the default VPC, by name.
func (s *Service) groupNamed(tx *store.Tx, c *call.Caller, id, name string) (SecurityGroup, error) {
	switch {
	case id != "":
		return s.groups.find(tx, c.Region, id)
	case name == "":
		return SecurityGroup{}, errMissing("groupName or groupId")
	}
	vpc, _ := s.defaultVPC(tx, c.Region)
	g, found := s.groupByName(tx, vpc.ID, name)
	if !found || s.Faults.Lagging(g.Created) {
		return SecurityGroup{}, wire.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, vpc.ID)
	}
	return g, nil
}

func (s *Service) groupKeys(tx *store.Tx, g SecurityGroup) policy.Context {
	keys := s.resourceKeys(tx, g.Region, g.ID)
	keys.Set("ec2:SecurityGroupID", g.ID)
	keys.Set("ec2:Vpc", s.arn(g.Region, "vpc", g.VPC))
	return keys
}

// groupText tells that a text is what a group's name and description may be
// made of.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
func groupText(s string) bool {
	return s != "" && len(s) <= 255 && strings.Trim(s, alphanumeric+" ._-:/()#,@[]+=&;{}!$*") == ""
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

type createSecurityGroupInput struct {
	call.Dry
	GroupName        string
	GroupDescription string
	VPC              string             `query:"VpcId"`
	Tags             []tagSpecification `query:"TagSpecification"`
}

type createSecurityGroupOutput struct {
	ID   string          `xml:"groupId"`
	ARN  string          `xml:"securityGroupArn"`
	Tags wire.Items[Tag] `xml:"tagSet"`
}

func (s *Service) createSecurityGroup(tx *store.Tx, c *call.Caller, in *createSecurityGroupInput) (*createSecurityGroupOutput, error) {
	switch {
	case in.GroupName == "":
		return nil, errMissing("GroupName")
	case in.GroupDescription == "":
		return nil, errMissing("GroupDescription")
	case !groupText(in.GroupName) || strings.HasPrefix(in.GroupName, "sg-"):
		return nil, errValue("Invalid security group name '%s': up to 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$* are allowed, and it must not begin with sg-", in.GroupName)
	case !groupText(in.GroupDescription):
		return nil, errValue("Value (%s) for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported.", in.GroupDescription)
	}
	specs, err := readSpecifications(in.Tags, "security-group")
	if err != nil {
		return nil, err
	}
	vpc, found := s.defaultVPC(tx, c.Region)
	if in.VPC != "" {
		if vpc, err = s.vpcs.find(tx, c.Region, in.VPC); err != nil {
			return nil, err
		}
		found = true
	}
	if !found {
		return nil, wire.Errorf("VPCIdNotSpecified", "No default VPC for this user")
	}
	tags := specs["security-group"]
	keys := s.regionKey(c).Merge(requestKeys(tags))
	if err := c.Require("ec2:CreateSecurityGroup", s.arn(c.Region, "security-group", "*"), keys); err != nil {
		return nil, err
	}
	if err := c.Require("ec2:CreateSecurityGroup", s.arn(c.Region, "vpc", vpc.ID), s.resourceKeys(tx, c.Region, vpc.ID)); err != nil {
		return nil, err
	}
	if err := s.requireTagging(c, "CreateSecurityGroup", "security-group", tags); err != nil {
		return nil, err
	}
	if _, taken := s.groupByName(tx, vpc.ID, in.GroupName); taken || in.GroupName == "default" {
		return nil, wire.Errorf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", in.GroupName, vpc.ID)
	}
	g := SecurityGroup{ID: call.NewID("sg"), Region: c.Region, VPC: vpc.ID, Name: in.GroupName, Description: in.GroupDescription, Created: tx.Now(), Egress: []Rule{everythingOut()}}
	s.groups.Put(tx, g.ID, g)
	s.tag(tx, g.ID, tags)
	return &createSecurityGroupOutput{g.ID, s.arn(g.Region, "security-group", g.ID), listTags(tags)}, nil
}

type groupInput struct {
	call.Dry
	GroupID   string `query:"GroupId"`
	GroupName string
}

type deleteSecurityGroupOutput struct {
	Return bool   `xml:"return"`
	ID     string `xml:"groupId"`
}

// deleteSecurityGroup refuses while an interface has the group, which the one
// of an instance does until it is terminated for good, and while another
// group's rules name it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
func (s *Service) deleteSecurityGroup(tx *store.Tx, c *call.Caller, in *groupInput) (*deleteSecurityGroupOutput, error) {
	g, err := s.groupNamed(tx, c, in.GroupID, in.GroupName)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:DeleteSecurityGroup", s.arn(c.Region, "security-group", g.ID), s.groupKeys(tx, g)); err != nil {
		return nil, err
	}
	if g.Name == "default" {
		return nil, wire.Errorf("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.ID)
	}
	inUse := false
	for _, n := range s.interfaces.All(tx) {
		inUse = inUse || slices.Contains(n.Groups, g.ID)
	}
	for _, other := range s.groups.All(tx) {
		named := slices.ContainsFunc(slices.Concat(other.Rules, other.Egress), func(r Rule) bool { return r.Group == g.ID })
		inUse = inUse || (named && other.ID != g.ID)
	}
	if inUse {
		return nil, wire.Statusf(http.StatusBadRequest, "DependencyViolation", "resource %s has a dependent object", g.ID)
	}
	s.groups.Delete(tx, g.ID)
	s.untagGroup(tx, g)
	return &deleteSecurityGroupOutput{true, g.ID}, nil
}
