package iam

import (
	"maps"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type userView struct {
	Path       string            `xml:"Path"`
	UserName   string            `xml:"UserName"`
	UserID     string            `xml:"UserId"`
	Arn        string            `xml:"Arn"`
	CreateDate string            `xml:"CreateDate"`
	Tags       wire.Members[Tag] `xml:"Tags"`
}

type userOutput struct {
	User userView `xml:"User"`
}

func (s *Service) viewUser(u User) *userOutput {
	return &userOutput{userView{Path: "/", UserName: u.Name, UserID: u.ID, Arn: s.userARN(u), CreateDate: wire.Time(u.Created), Tags: writeTags(u.Tags)}}
}

type createUserInput struct {
	UserName string
	Tags     []Tag `query:"Tags,member"`
}

func (s *Service) createUser(tx *store.Tx, c *call.Caller, in *createUserInput) (*userOutput, error) {
	if err := checkName("userName", in.UserName, 64); err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	u := User{Name: in.UserName, ID: call.NewUnique("AIDA"), Created: tx.Now(), Tags: tags}
	if err := s.requireTagged(c, "iam:CreateUser", "iam:TagUser", s.userARN(u), tags); err != nil {
		return nil, err
	}
	if _, taken := s.users.Get(tx, u.Name); taken {
		return nil, errAlreadyExists("User", u.Name)
	}
	s.users.Put(tx, u.Name, u)
	return s.viewUser(u), nil
}

type userInput struct {
	UserName string
}

// user finds the user that a request names or, if it names none, the one that
// makes it.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html
func (s *Service) user(tx *store.Tx, c *call.Caller, action, name string) (User, error) {
	if _, own, isUser := strings.Cut(c.ARN, ":user/"); name == "" && isUser {
		name = own
	}
	return s.aUser().find(tx, c, action, name)
}

func (s *Service) getUser(tx *store.Tx, c *call.Caller, in *userInput) (*userOutput, error) {
	u, err := s.user(tx, c, "iam:GetUser", in.UserName)
	if err != nil {
		return nil, err
	}
	return s.viewUser(u), nil
}

// deleteUser refuses while anything hangs on the user.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
func (s *Service) deleteUser(tx *store.Tx, c *call.Caller, in *userInput) (*nothing, error) {
	u, err := s.aUser().find(tx, c, "iam:DeleteUser", in.UserName)
	switch {
	case err != nil:
		return nil, err
	case len(s.keysOf(tx, u)) > 0:
		return nil, errDeleteConflict("Cannot delete entity, must delete access keys first.")
	case len(u.Attached) > 0:
		return nil, errDeleteConflict("Cannot delete entity, must detach all policies first.")
	case len(u.Policies) > 0:
		return nil, errDeleteConflict("Cannot delete entity, must delete policies first.")
	}
	s.users.Delete(tx, u.Name)
	return nil, nil
}

type putUserPolicyInput struct {
	UserName       string
	PolicyName     string
	PolicyDocument string
}

func (s *Service) putUserPolicy(tx *store.Tx, c *call.Caller, in *putUserPolicyInput) (*nothing, error) {
	u, err := s.aUser().find(tx, c, "iam:PutUserPolicy", in.UserName)
	if err != nil {
		return nil, err
	}
	policies, err := withPolicy(u.Policies, in.PolicyName, in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	if err := checkSize("user", u.Name, policies, maxUserPolicies); err != nil {
		return nil, err
	}
	u.Policies = policies
	s.users.Put(tx, u.Name, u)
	return nil, nil
}

type userPolicyInput struct {
	UserName   string
	PolicyName string
}

func (s *Service) deleteUserPolicy(tx *store.Tx, c *call.Caller, in *userPolicyInput) (*nothing, error) {
	u, err := s.aUser().find(tx, c, "iam:DeleteUserPolicy", in.UserName)
	if err != nil {
		return nil, err
	}
	if _, found := u.Policies[in.PolicyName]; !found {
		return nil, errNoSuchEntity("The user policy with name %s cannot be found.", in.PolicyName)
	}
	u.Policies = maps.Clone(u.Policies)
	delete(u.Policies, in.PolicyName)
	s.users.Put(tx, u.Name, u)
	return nil, nil
}
