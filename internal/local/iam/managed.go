package iam

import (
	"fmt"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// What a managed policy may be long, in characters without white space, and how
// many a user may have.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxManagedPolicy = 6144
	maxAttached      = 10
)

// ManagedPolicy is a policy of the account's own that can be attached; its key in
// the table is its name. It has one version.
type ManagedPolicy struct {
	Name        string
	ID          string
	Path        string
	Description string
	Created     time.Time
	Document    string
	Tags        map[string]string
}

func (s *Service) policyARN(p ManagedPolicy) string {
	return fmt.Sprintf("arn:aws:iam::%s:policy%s%s", s.account, p.Path, p.Name)
}

type policyView struct {
	PolicyName       string            `xml:"PolicyName"`
	PolicyID         string            `xml:"PolicyId"`
	Arn              string            `xml:"Arn"`
	Path             string            `xml:"Path"`
	DefaultVersionID string            `xml:"DefaultVersionId"`
	AttachmentCount  int               `xml:"AttachmentCount"`
	Boundaries       int               `xml:"PermissionsBoundaryUsageCount"`
	IsAttachable     bool              `xml:"IsAttachable"`
	Description      string            `xml:"Description,omitempty"`
	CreateDate       string            `xml:"CreateDate"`
	UpdateDate       string            `xml:"UpdateDate"`
	Tags             wire.Members[Tag] `xml:"Tags"`
}

type policyOutput struct {
	Policy policyView `xml:"Policy"`
}

type createPolicyInput struct {
	PolicyName     string
	Path           string
	Description    string
	PolicyDocument string
	Tags           []Tag `query:"Tags,member"`
}

// createPolicy makes a managed policy, which nobody has yet.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
func (s *Service) createPolicy(tx *store.Tx, c *call.Caller, in *createPolicyInput) (*policyOutput, error) {
	if err := checkName("policyName", in.PolicyName, 128); err != nil {
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
	p := ManagedPolicy{
		Name: in.PolicyName, ID: call.NewUnique("ANPA"), Path: path, Description: in.Description,
		Created: tx.Now(), Document: in.PolicyDocument, Tags: tags,
	}
	if err := s.requireTagged(c, "iam:CreatePolicy", "iam:TagPolicy", s.policyARN(p), tags); err != nil {
		return nil, err
	}
	if err := checkDocument(p.Document, policy.Identity); err != nil {
		return nil, err
	}
	if err := checkSize("policy", p.Name, map[string]string{"": p.Document}, maxManagedPolicy); err != nil {
		return nil, err
	}
	if _, taken := s.policies.Get(tx, p.Name); taken {
		return nil, errAlreadyExists("Policy", p.Name)
	}
	s.policies.Put(tx, p.Name, p)
	created := wire.Time(p.Created)
	return &policyOutput{policyView{
		PolicyName: p.Name, PolicyID: p.ID, Arn: s.policyARN(p), Path: p.Path, DefaultVersionID: "v1", IsAttachable: true,
		Description: p.Description, CreateDate: created, UpdateDate: created, Tags: writeTags(p.Tags),
	}}, nil
}

type attachUserPolicyInput struct {
	UserName  string
	PolicyArn string
}

// attachUserPolicy gives a user a managed policy of the account. One that she has
// already is no error.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
func (s *Service) attachUserPolicy(tx *store.Tx, c *call.Caller, in *attachUserPolicyInput) (*nothing, error) {
	attached := policy.Context{}
	attached.Set("iam:PolicyARN", in.PolicyArn)
	u, err := s.aUser().find(tx, c, "iam:AttachUserPolicy", in.UserName, attached)
	if err != nil {
		return nil, err
	}
	if _, found := s.managed(tx, in.PolicyArn); !found {
		return nil, errNoSuchEntity("Policy %s does not exist or is not attachable.", in.PolicyArn)
	}
	if slices.Contains(u.Attached, in.PolicyArn) {
		return nil, nil
	}
	if len(u.Attached) == maxAttached {
		return nil, errLimitExceeded("Cannot exceed quota for PoliciesPerUser: %d", maxAttached)
	}
	u.Attached = append(slices.Clone(u.Attached), in.PolicyArn)
	s.users.Put(tx, u.Name, u)
	return nil, nil
}

// managed finds a managed policy by its ARN.
func (s *Service) managed(tx *store.Tx, arn string) (ManagedPolicy, bool) {
	for _, p := range s.policies.All(tx) {
		if s.policyARN(p) == arn {
			return p, true
		}
	}
	return ManagedPolicy{}, false
}

// everyPolicy are the documents of a user, inline and attached, by name. No
// inline policy can have the name of an attached one, which has a colon.
func (s *Service) everyPolicy(tx *store.Tx, u User) map[string]string {
	all := map[string]string{}
	for name, text := range u.Policies {
		all[name] = text
	}
	for _, arn := range u.Attached {
		if p, found := s.managed(tx, arn); found {
			all[arn] = p.Document
		}
	}
	return all
}
