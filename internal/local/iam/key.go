package iam

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// keyView is an access key without its secret, which is told only once.
type keyView struct {
	UserName    string `xml:"UserName"`
	AccessKeyID string `xml:"AccessKeyId"`
	Status      string `xml:"Status"`
	CreateDate  string `xml:"CreateDate"`
}

func viewKey(k AccessKey) keyView {
	return keyView{UserName: k.User, AccessKeyID: k.ID, Status: "Active", CreateDate: wire.Time(k.Created)}
}

// keysOf are the access keys of a user, in the order of their ids.
func (s *Service) keysOf(tx *store.Tx, u User) []AccessKey {
	var keys []AccessKey
	for _, k := range s.keys.All(tx) {
		if k.User == u.Name {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b AccessKey) int { return strings.Compare(a.ID, b.ID) }) // as call.Page needs them
	return keys
}

type accessKeyOutput struct {
	AccessKey struct {
		keyView
		SecretAccessKey string `xml:"SecretAccessKey"`
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
	if len(s.keysOf(tx, u)) >= 2 {
		return nil, errLimitExceeded("Cannot exceed quota for AccessKeysPerUser: 2")
	}
	k := AccessKey{ID: call.NewAccessKeyID("AKIA"), Secret: call.NewSecret(), User: u.Name, Created: tx.Now()}
	s.keys.Put(tx, k.ID, k)
	var out accessKeyOutput
	out.AccessKey.keyView, out.AccessKey.SecretAccessKey = viewKey(k), k.Secret
	return &out, nil
}

type listAccessKeysInput struct {
	UserName string
	Marker   string
	MaxItems *int
}

type listAccessKeysOutput struct {
	Keys        wire.Members[keyView] `xml:"AccessKeyMetadata"`
	IsTruncated bool                  `xml:"IsTruncated"`
	Marker      string                `xml:"Marker,omitempty"`
}

// listAccessKeys lists a user's keys.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
func (s *Service) listAccessKeys(tx *store.Tx, c *call.Caller, in *listAccessKeysInput) (*listAccessKeysOutput, error) {
	u, err := s.user(tx, c, "iam:ListAccessKeys", in.UserName)
	if err != nil {
		return nil, err
	}
	part, next, err := page(s.keysOf(tx, u), func(k AccessKey) string { return k.ID }, "keys "+u.Name, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &listAccessKeysOutput{IsTruncated: next != "", Marker: next}
	for _, k := range part {
		out.Keys = append(out.Keys, viewKey(k))
	}
	return out, nil
}

type deleteAccessKeyInput struct {
	UserName    string
	AccessKeyID string `query:"AccessKeyId"`
}

// deleteAccessKey takes a key from its user; who signs with it is unknown from
// then on.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
func (s *Service) deleteAccessKey(tx *store.Tx, c *call.Caller, in *deleteAccessKeyInput) (*nothing, error) {
	u, err := s.user(tx, c, "iam:DeleteAccessKey", in.UserName)
	if err != nil {
		return nil, err
	}
	k, found := s.keys.Get(tx, in.AccessKeyID)
	if !found || k.User != u.Name {
		return nil, errNoSuchEntity("The Access Key with id %s cannot be found.", in.AccessKeyID)
	}
	s.keys.Delete(tx, k.ID)
	return nil, nil
}
