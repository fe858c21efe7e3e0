package iam

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// kind is a kind of entity: users, roles or instance profiles.
type kind[T any] struct {
	parameter string // as an invalid name is complained about: roleName
	missing   string // the words for one that is not there, with %s for its name
	longest   int    // characters in a name
	table     *store.Table[T]
	named     func(name string) T // one that has a name and nothing else
	arn       func(T) string
	tags      func(T) map[string]string
	tagKeys   []string // the condition keys in which its tags are
}

func (s *Service) aUser() kind[User] {
	return kind[User]{
		parameter: "userName", missing: "The user with name %s cannot be found.", longest: 64, table: s.users,
		named:   func(name string) User { return User{Name: name} },
		arn:     s.userARN,
		tags:    func(u User) map[string]string { return u.Tags },
		tagKeys: []string{"iam:ResourceTag/", "aws:ResourceTag/"},
	}
}

func (s *Service) aRole() kind[Role] {
	return kind[Role]{
		parameter: "roleName", missing: "The role with name %s cannot be found.", longest: 64, table: s.roles,
		named:   func(name string) Role { return Role{Name: name, Path: "/"} },
		arn:     s.roleARN,
		tags:    func(r Role) map[string]string { return r.Tags },
		tagKeys: []string{"iam:ResourceTag/", "aws:ResourceTag/"},
	}
}

func (s *Service) aProfile() kind[Profile] {
	return kind[Profile]{
		parameter: "instanceProfileName", missing: "Instance Profile %s cannot be found.", longest: 128, table: s.profiles,
		named:   func(name string) Profile { return Profile{Name: name, Path: "/"} },
		arn:     s.ProfileARN,
		tags:    func(p Profile) map[string]string { return p.Tags },
		tagKeys: []string{"aws:ResourceTag/"},
	}
}

// find finds an entity and asks for permission to act on it. Permission comes
// first: who may not look does not learn what exists. more are condition keys of
// the action's own.
func (k kind[T]) find(tx *store.Tx, c *call.Caller, action, name string, more ...policy.Context) (T, error) {
	var none T
	if err := checkName(k.parameter, name, k.longest); err != nil {
		return none, err
	}
	entity, found := k.table.Get(tx, name)
	if !found {
		entity = k.named(name)
	}
	keys := k.context(entity)
	for _, m := range more {
		keys = keys.Merge(m)
	}
	if err := c.Require(action, k.arn(entity), keys); err != nil {
		return none, err
	}
	if !found {
		return none, errNoSuchEntity(k.missing, name)
	}
	return entity, nil
}

// context are the condition keys of an entity's tags.
func (k kind[T]) context(entity T) policy.Context {
	keys := policy.Context{}
	for name, value := range k.tags(entity) {
		for _, prefix := range k.tagKeys {
			keys.Set(prefix+name, value)
		}
	}
	return keys
}

// at finds the entity that an ARN names.
func (k kind[T]) at(tx *store.Tx, arn string) (T, bool) {
	for _, entity := range k.table.All(tx) {
		if k.arn(entity) == arn {
			return entity, true
		}
	}
	var none T
	return none, false
}

// checkPage is the size of a page: 100 unless the caller wants another.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
func checkPage(wanted *int) (int, error) {
	if wanted == nil {
		return 100, nil
	}
	if *wanted < 1 || *wanted > 1000 {
		return 0, errInvalid("Value '%d' at 'maxItems' failed to satisfy constraint: Member must be between 1 and 1000", *wanted)
	}
	return *wanted, nil
}

// page is the part of a list that a caller asks for, and the marker of the
// next one.
func page[T any](rows []T, key func(T) string, scope, marker string, wanted *int) ([]T, string, error) {
	size, err := checkPage(wanted)
	if err != nil {
		return nil, "", err
	}
	part, next, ok := call.Page(rows, key, scope, marker, size)
	if !ok {
		return nil, "", errInvalid("Invalid Marker: %s", marker)
	}
	return part, next, nil
}
