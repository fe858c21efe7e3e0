package iam

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
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
	return &userOutput{userView{Path: "/", UserName: u.Name, UserID: u.ID, Arn: s.userARN(u), CreateDate: wire.Time(u.Created), Tags: writeTags(tags)}}, nil
}

// user finds a user and asks for permission to act on it.
func (s *Service) user(tx *store.Tx, c *call.Caller, action, name string) (User, error) {
	if err := checkName("userName", name, 64); err != nil {
		return User{}, err
	}
	u, found := s.users.Get(tx, name)
	if !found {
		u.Name = name
	}
	keys := policy.Context{}
	for k, v := range u.Tags {
		keys.Set("iam:ResourceTag/"+k, v)
		keys.Set("aws:ResourceTag/"+k, v)
	}
	if err := c.Require(action, s.userARN(u), keys); err != nil {
		return User{}, err
	}
	if !found {
		return User{}, errNoSuchEntity("The user with name %s cannot be found.", name)
	}
	return u, nil
}

type userInput struct {
	UserName string
}

type accessKeyOutput struct {
	AccessKey struct {
		UserName        string `xml:"UserName"`
		AccessKeyID     string `xml:"AccessKeyId"`
		Status          string `xml:"Status"`
		SecretAccessKey string `xml:"SecretAccessKey"`
		CreateDate      string `xml:"CreateDate"`
	} `xml:"AccessKey"`
}

// createAccessKey gives a user a key; two are the most.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
func (s *Service) createAccessKey(tx *store.Tx, c *call.Caller, in *userInput) (*accessKeyOutput, error) {
	u, err := s.user(tx, c, "iam:CreateAccessKey", in.UserName)
	if err != nil {
		return nil, err
	}
	count := 0
	for _, k := range s.keys.All(tx) {
		if k.User == u.Name {
			count++
		}
	}
	if count >= 2 {
		return nil, errLimitExceeded("Cannot exceed quota for AccessKeysPerUser: 2")
	}
	k := AccessKey{ID: call.NewAccessKeyID("AKIA"), Secret: call.NewSecret(), User: u.Name, Created: tx.Now()}
	s.keys.Put(tx, k.ID, k)
	var out accessKeyOutput
	out.AccessKey.UserName, out.AccessKey.AccessKeyID, out.AccessKey.SecretAccessKey = u.Name, k.ID, k.Secret
	out.AccessKey.Status, out.AccessKey.CreateDate = "Active", wire.Time(k.Created)
	return &out, nil
}

type putUserPolicyInput struct {
	UserName       string
	PolicyName     string
	PolicyDocument string
}

func (s *Service) putUserPolicy(tx *store.Tx, c *call.Caller, in *putUserPolicyInput) (*nothing, error) {
	u, err := s.user(tx, c, "iam:PutUserPolicy", in.UserName)
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
