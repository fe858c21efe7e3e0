// Package iam is IAM of the local cloud: users with access keys, roles with
// trust policies, policies and instance profiles. It answers who an
// access key belongs to and what that principal may do.
//
// Unlike AWS it is consistent at once. It knows one account, no groups and none
// of the policies that AWS manages.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
package iam

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Service is IAM of one account.
type Service struct {
	account  string
	users    *store.Table[User]
	keys     *store.Table[AccessKey]
	roles    *store.Table[Role]
	profiles *store.Table[Profile]
	policies *store.Table[ManagedPolicy]
}

// User is an IAM user; its key in the table is its name.
type User struct {
	Name     string
	ID       string
	Created  time.Time
	Tags     map[string]string
	Policies map[string]string // inline: name to document
	Attached []string          // the ARNs of managed policies
}

// AccessKey is a pair of long-term credentials.
type AccessKey struct {
	ID      string
	Secret  string
	User    string
	Created time.Time
}

// Role is an IAM role; its key in the table is its name.
type Role struct {
	Name        string
	ID          string
	Path        string
	Description string
	Created     time.Time
	Trust       string // the document that says who may assume it
	MaxSession  int    // seconds
	Tags        map[string]string
	Policies    map[string]string
}

// Profile is an instance profile; its key in the table is its name.
type Profile struct {
	Name    string
	ID      string
	Path    string
	Created time.Time
	Role    string // empty: none
	Tags    map[string]string
}

// New adds IAM's tables to s.
func New(s *store.Store, account string) *Service {
	return &Service{
		account:  account,
		users:    store.NewTable[User](s),
		keys:     store.NewTable[AccessKey](s),
		roles:    store.NewTable[Role](s),
		profiles: store.NewTable[Profile](s),
		policies: store.NewTable[ManagedPolicy](s),
	}
}

// AddAdministrator makes a user that may do everything, with the given access
// key.
func (s *Service) AddAdministrator(tx *store.Tx, name, accessKeyID, secret string) {
	const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	s.users.Put(tx, name, User{
		Name: name, ID: call.NewUnique("AIDA"), Created: tx.Now(),
		Policies: map[string]string{"AdministratorAccess": everything},
	})
	s.keys.Put(tx, accessKeyID, AccessKey{ID: accessKeyID, Secret: secret, User: name, Created: tx.Now()})
}

// Identify finds the user of an access key.
func (s *Service) Identify(tx *store.Tx, accessKeyID string) (auth.Secret, call.Principal, bool) {
	key, found := s.keys.Get(tx, accessKeyID)
	if !found {
		return auth.Secret{}, call.Principal{}, false
	}
	u, found := s.users.Get(tx, key.User)
	if !found {
		return auth.Secret{}, call.Principal{}, false
	}
	p := call.Principal{ARN: s.userARN(u), UserID: u.ID, Account: s.account, Policies: documents(s.everyPolicy(tx, u))}
	p.Context = s.context(tx, p, u.Tags)
	p.Context.Set("aws:username", u.Name)
	p.Context.Set("aws:PrincipalType", "User")
	return auth.Secret{Key: key.Secret}, p, true
}

// Session is the principal that an instance is when it has assumed a role:
// its session is named after the instance.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
func (s *Service) Session(tx *store.Tx, roleName, sessionName, sourceInstance string) (call.Principal, bool) {
	r, found := s.roles.Get(tx, roleName)
	if !found {
		return call.Principal{}, false
	}
	p := call.Principal{
		ARN:      fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", s.account, r.Name, sessionName),
		UserID:   r.ID + ":" + sessionName,
		Account:  s.account,
		Policies: documents(r.Policies),
	}
	p.Context = s.context(tx, p, r.Tags)
	p.Context.Set("aws:PrincipalArn", s.roleARN(r)) // the role, not the session
	p.Context.Set("aws:PrincipalType", "AssumedRole")
	if sourceInstance != "" {
		p.Context.Set("ec2:SourceInstanceARN", sourceInstance)
	}
	return p, true
}

// context is what conditions see of every principal.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (s *Service) context(tx *store.Tx, p call.Principal, tags map[string]string) policy.Context {
	c := policy.Context{}
	c.Set("aws:PrincipalArn", p.ARN)
	c.Set("aws:PrincipalAccount", s.account)
	c.Set("aws:userid", p.UserID)
	c.Set("aws:CurrentTime", tx.Now().Format(time.RFC3339))
	c.Set("aws:EpochTime", fmt.Sprint(tx.Now().Unix()))
	c.Set("aws:SecureTransport", "false")
	c.Set("aws:SourceIp", "127.0.0.1")
	for key, value := range tags {
		c.Set("aws:PrincipalTag/"+key, value)
	}
	return c
}

// documents reads policies, by name. They were read when they were put, so one
// that cannot be read now is a broken state, and allows nothing.
func documents(texts map[string]string) []*policy.Document {
	var out []*policy.Document
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		d, err := policy.Parse([]byte(texts[name]), policy.Identity)
		if err != nil {
			panic(fmt.Sprintf("iam: the stored policy %s cannot be read: %v", name, err))
		}
		out = append(out, d)
	}
	return out
}

// Profile finds an instance profile by its name.
func (s *Service) Profile(tx *store.Tx, name string) (Profile, bool) { return s.profiles.Get(tx, name) }

// ProfileARN is the ARN of an instance profile.
func (s *Service) ProfileARN(p Profile) string {
	return fmt.Sprintf("arn:aws:iam::%s:instance-profile%s%s", s.account, p.Path, p.Name)
}

// RoleARN is the ARN of the role with a name; false if there is none.
func (s *Service) RoleARN(tx *store.Tx, name string) (string, bool) {
	r, found := s.roles.Get(tx, name)
	return s.roleARN(r), found
}

// Trusts tells whether a role lets a service assume it.
func (s *Service) Trusts(tx *store.Tx, roleName, service string) bool {
	r, found := s.roles.Get(tx, roleName)
	if !found {
		return false
	}
	d, err := policy.Parse([]byte(r.Trust), policy.Trust)
	return err == nil && d.TrustsService(service, policy.Context{})
}

func (s *Service) userARN(u User) string {
	return fmt.Sprintf("arn:aws:iam::%s:user/%s", s.account, u.Name)
}

func (s *Service) roleARN(r Role) string {
	return fmt.Sprintf("arn:aws:iam::%s:role%s%s", s.account, r.Path, r.Name)
}

// Operations are the actions that IAM answers.
func (s *Service) Operations() []call.Operation {
	return []call.Operation{
		call.Writes("CreateRole", s.createRole),
		call.Reads("GetRole", s.getRole),
		call.Writes("DeleteRole", s.deleteRole),
		call.Writes("PutRolePolicy", s.putRolePolicy),
		call.Reads("GetRolePolicy", s.getRolePolicy),
		call.Writes("DeleteRolePolicy", s.deleteRolePolicy),
		call.Writes("CreateInstanceProfile", s.createInstanceProfile),
		call.Reads("GetInstanceProfile", s.getInstanceProfile),
		call.Writes("DeleteInstanceProfile", s.deleteInstanceProfile),
		call.Writes("AddRoleToInstanceProfile", s.addRoleToInstanceProfile),
		call.Writes("RemoveRoleFromInstanceProfile", s.removeRoleFromInstanceProfile),
		call.Writes("CreateUser", s.createUser),
		call.Reads("GetUser", s.getUser),
		call.Writes("DeleteUser", s.deleteUser),
		call.Writes("PutUserPolicy", s.putUserPolicy),
		call.Writes("DeleteUserPolicy", s.deleteUserPolicy),
		call.Writes("CreatePolicy", s.createPolicy),
		call.Writes("AttachUserPolicy", s.attachUserPolicy),
		call.Writes("CreateAccessKey", s.createAccessKey),
		call.Reads("ListAccessKeys", s.listAccessKeys),
		call.Writes("DeleteAccessKey", s.deleteAccessKey),
		call.Reads("SimulatePrincipalPolicy", s.simulatePrincipalPolicy),
	}
}

func errNoSuchEntity(format string, args ...any) *wire.Error {
	return wire.Statusf(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func errAlreadyExists(kind, name string) *wire.Error {
	return wire.Statusf(http.StatusConflict, "EntityAlreadyExists", "%s with name %s already exists.", kind, name)
}

func errDeleteConflict(message string) *wire.Error {
	return wire.Statusf(http.StatusConflict, "DeleteConflict", "%s", message)
}

func errLimitExceeded(format string, args ...any) *wire.Error {
	return wire.Statusf(http.StatusConflict, "LimitExceeded", format, args...)
}

func errInvalid(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationError", format, args...)
}
