package iam

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type profileView struct {
	Path       string                 `xml:"Path"`
	Name       string                 `xml:"InstanceProfileName"`
	ID         string                 `xml:"InstanceProfileId"`
	Arn        string                 `xml:"Arn"`
	CreateDate string                 `xml:"CreateDate"`
	Roles      wire.Members[roleView] `xml:"Roles"`
	Tags       wire.Members[Tag]      `xml:"Tags"`
}

type profileOutput struct {
	Profile profileView `xml:"InstanceProfile"`
}

func (s *Service) viewProfile(tx *store.Tx, p Profile) *profileOutput {
	v := profileView{Path: p.Path, Name: p.Name, ID: p.ID, Arn: s.ProfileARN(p), CreateDate: wire.Time(p.Created), Tags: writeTags(p.Tags)}
	if r, found := s.roles.Get(tx, p.Role); found {
		v.Roles = wire.Members[roleView]{s.viewRole(r)}
	}
	return &profileOutput{v}
}

type createInstanceProfileInput struct {
	InstanceProfileName string
	Path                string
	Tags                []Tag `query:"Tags,member"`
}

func (s *Service) createInstanceProfile(tx *store.Tx, c *call.Caller, in *createInstanceProfileInput) (*profileOutput, error) {
	if err := checkName("instanceProfileName", in.InstanceProfileName, 128); err != nil {
		return nil, err
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := Profile{Name: in.InstanceProfileName, ID: call.NewUnique("AIPA"), Path: path, Created: tx.Now(), Tags: tags}
	if err := s.requireTagged(c, "iam:CreateInstanceProfile", "iam:TagInstanceProfile", s.ProfileARN(p), tags); err != nil {
		return nil, err
	}
	if _, taken := s.profiles.Get(tx, p.Name); taken {
		return nil, wire.Statusf(409, "EntityAlreadyExists", "Instance Profile %s already exists.", p.Name)
	}
	s.profiles.Put(tx, p.Name, p)
	return s.viewProfile(tx, p), nil
}

type profileInput struct {
	InstanceProfileName string
}

func (s *Service) getInstanceProfile(tx *store.Tx, c *call.Caller, in *profileInput) (*profileOutput, error) {
	p, err := s.aProfile().find(tx, c, "iam:GetInstanceProfile", in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return s.viewProfile(tx, p), nil
}

func (s *Service) deleteInstanceProfile(tx *store.Tx, c *call.Caller, in *profileInput) (*nothing, error) {
	p, err := s.aProfile().find(tx, c, "iam:DeleteInstanceProfile", in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, errDeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	s.profiles.Delete(tx, p.Name)
	return nil, nil
}

type profileRoleInput struct {
	InstanceProfileName string
	RoleName            string
}

// addRoleToInstanceProfile needs permission to pass the role, and a profile
// holds one role.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html
func (s *Service) addRoleToInstanceProfile(tx *store.Tx, c *call.Caller, in *profileRoleInput) (*nothing, error) {
	p, err := s.aProfile().find(tx, c, "iam:AddRoleToInstanceProfile", in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	r, found := s.roles.Get(tx, in.RoleName)
	if !found {
		return nil, errNoSuchEntity("The role with name %s cannot be found.", in.RoleName)
	}
	if err := c.Require("iam:PassRole", s.roleARN(r), nil); err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, errLimitExceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	p.Role = r.Name
	s.profiles.Put(tx, p.Name, p)
	return nil, nil
}

func (s *Service) removeRoleFromInstanceProfile(tx *store.Tx, c *call.Caller, in *profileRoleInput) (*nothing, error) {
	p, err := s.aProfile().find(tx, c, "iam:RemoveRoleFromInstanceProfile", in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role == "" || p.Role != in.RoleName {
		return nil, errNoSuchEntity("The role with name %s is not in the instance profile %s.", in.RoleName, p.Name)
	}
	p.Role = ""
	s.profiles.Put(tx, p.Name, p)
	return nil, nil
}
