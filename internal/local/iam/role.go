package iam

import (
	"maps"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// The size quotas of policies, in characters.
const (
	maxTrustPolicy  = 2048
	maxRolePolicies = 10240
	maxUserPolicies = 2048
)

type roleView struct {
	Path        string `xml:"Path"`
	RoleName    string `xml:"RoleName"`
	RoleID      string `xml:"RoleId"`
	Arn         string `xml:"Arn"`
	CreateDate  string `xml:"CreateDate"`
	Trust       string `xml:"AssumeRolePolicyDocument"`
	Description string `xml:"Description,omitempty"`
	MaxSession  int    `xml:"MaxSessionDuration"`

	Tags wire.Members[Tag] `xml:"Tags"`
}

type roleOutput struct {
	Role roleView `xml:"Role"`
}

type nothing struct{}

func (s *Service) viewRole(r Role) roleView {
	return roleView{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, Arn: s.roleARN(r), CreateDate: wire.Time(r.Created),
		Trust: encodeDocument(r.Trust), Description: r.Description, MaxSession: r.MaxSession, Tags: writeTags(r.Tags),
	}
}

type createRoleInput struct {
	RoleName                 string
	Path                     string
	Description              string
	AssumeRolePolicyDocument string
	MaxSessionDuration       *int
	Tags                     []Tag `query:"Tags,member"`
}

func (s *Service) createRole(tx *store.Tx, c *call.Caller, in *createRoleInput) (*roleOutput, error) {
	if err := checkName("roleName", in.RoleName, 64); err != nil {
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
	r := Role{
		Name: in.RoleName, ID: call.NewUnique("AROA"), Path: path, Description: in.Description, Created: tx.Now(),
		Trust: in.AssumeRolePolicyDocument, MaxSession: 3600, Tags: tags,
	}
	if err := s.requireTagged(c, "iam:CreateRole", "iam:TagRole", s.roleARN(r), tags); err != nil {
		return nil, err
	}
	if in.MaxSessionDuration != nil {
		if r.MaxSession = *in.MaxSessionDuration; r.MaxSession < 3600 || r.MaxSession > 43200 {
			return nil, errInvalid("MaxSessionDuration must be between 3600 and 43200 seconds")
		}
	}
	if err := checkDocument(r.Trust, policy.Trust); err != nil {
		return nil, err
	}
	if err := checkSize("role", r.Name, map[string]string{"trust": r.Trust}, maxTrustPolicy); err != nil {
		return nil, err
	}
	if _, taken := s.roles.Get(tx, r.Name); taken {
		return nil, errAlreadyExists("Role", r.Name)
	}
	s.roles.Put(tx, r.Name, r)
	return &roleOutput{s.viewRole(r)}, nil
}

// requireTagged asks for the permission to create and, where the new entity
// gets tags, for the one to tag.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_roles.html
func (s *Service) requireTagged(c *call.Caller, create, tag, arn string, tags map[string]string) error {
	if err := c.Require(create, arn, tagKeys(tags)); err != nil || len(tags) == 0 {
		return err
	}
	return c.Require(tag, arn, tagKeys(tags))
}

type roleInput struct {
	RoleName string
}

func (s *Service) getRole(tx *store.Tx, c *call.Caller, in *roleInput) (*roleOutput, error) {
	r, err := s.aRole().find(tx, c, "iam:GetRole", in.RoleName)
	if err != nil {
		return nil, err
	}
	return &roleOutput{s.viewRole(r)}, nil
}

// deleteRole refuses while anything hangs on the role.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
func (s *Service) deleteRole(tx *store.Tx, c *call.Caller, in *roleInput) (*nothing, error) {
	r, err := s.aRole().find(tx, c, "iam:DeleteRole", in.RoleName)
	if err != nil {
		return nil, err
	}
	for _, p := range s.profiles.All(tx) {
		if p.Role == r.Name {
			return nil, errDeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
	}
	if len(r.Policies) > 0 {
		return nil, errDeleteConflict("Cannot delete entity, must delete policies first.")
	}
	s.roles.Delete(tx, r.Name)
	return nil, nil
}

type putRolePolicyInput struct {
	RoleName       string
	PolicyName     string
	PolicyDocument string
}

func (s *Service) putRolePolicy(tx *store.Tx, c *call.Caller, in *putRolePolicyInput) (*nothing, error) {
	r, err := s.aRole().find(tx, c, "iam:PutRolePolicy", in.RoleName)
	if err != nil {
		return nil, err
	}
	policies, err := withPolicy(r.Policies, in.PolicyName, in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	if err := checkSize("role", r.Name, policies, maxRolePolicies); err != nil {
		return nil, err
	}
	r.Policies = policies
	s.roles.Put(tx, r.Name, r)
	return nil, nil
}

// withPolicy returns inline policies with one more, or one replaced.
func withPolicy(policies map[string]string, name, document string) (map[string]string, error) {
	if err := checkName("policyName", name, 128); err != nil {
		return nil, err
	}
	if err := checkDocument(document, policy.Identity); err != nil {
		return nil, err
	}
	out := maps.Clone(policies)
	if out == nil {
		out = map[string]string{}
	}
	out[name] = document
	return out, nil
}

type rolePolicyInput struct {
	RoleName   string
	PolicyName string
}

type rolePolicyOutput struct {
	RoleName       string `xml:"RoleName"`
	PolicyName     string `xml:"PolicyName"`
	PolicyDocument string `xml:"PolicyDocument"`
}

func (s *Service) getRolePolicy(tx *store.Tx, c *call.Caller, in *rolePolicyInput) (*rolePolicyOutput, error) {
	r, err := s.aRole().find(tx, c, "iam:GetRolePolicy", in.RoleName)
	if err != nil {
		return nil, err
	}
	text, found := r.Policies[in.PolicyName]
	if !found {
		return nil, errNoSuchEntity("The role policy with name %s cannot be found.", in.PolicyName)
	}
	return &rolePolicyOutput{r.Name, in.PolicyName, encodeDocument(text)}, nil
}

func (s *Service) deleteRolePolicy(tx *store.Tx, c *call.Caller, in *rolePolicyInput) (*nothing, error) {
	r, err := s.aRole().find(tx, c, "iam:DeleteRolePolicy", in.RoleName)
	if err != nil {
		return nil, err
	}
	if _, found := r.Policies[in.PolicyName]; !found {
		return nil, errNoSuchEntity("The role policy with name %s cannot be found.", in.PolicyName)
	}
	r.Policies = maps.Clone(r.Policies)
	delete(r.Policies, in.PolicyName)
	s.roles.Put(tx, r.Name, r)
	return nil, nil
}
