package ec2

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Tag is a tag as it travels.
type Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// tagSpecification are tags for what an action creates, by kind.
type tagSpecification struct {
	ResourceType string
	Tags         []Tag `query:"Tag"`
}

const maxTags = 50

// checkTags reads tags under the rules for all resources.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
func checkTags(list []Tag) (map[string]string, error) {
	tags := make(map[string]string, len(list))
	for _, t := range list {
		switch _, twice := tags[t.Key]; {
		case t.Key == "":
			return nil, errMissing("Key")
		case utf8.RuneCountInString(t.Key) > 128:
			return nil, errValue("Tag key exceeds the maximum length of 128 characters")
		case utf8.RuneCountInString(t.Value) > 256:
			return nil, errValue("Tag value exceeds the maximum length of 256 characters")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, errValue("Tag keys starting with 'aws:' are reserved for internal use")
		case twice:
			return nil, errValue("Duplicate tag key '%s' specified.", t.Key)
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > maxTags {
		return nil, wire.Errorf("TagLimitExceeded", "The maximum number of Tags for a resource is %d", maxTags)
	}
	return tags, nil
}

// metadataKey tells that a tag's key can be a path in the metadata.
func metadataKey(s string) bool {
	return s != "" && len(s) <= 255 && strings.Trim(s, alphanumeric+"-_+=,.@:") == ""
}

// checkMetadataKeys holds the tags of an instance whose metadata shows them to
// keys that are fit for a path.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
func checkMetadataKeys(tags map[string]string) error {
	for key := range tags {
		if !metadataKey(key) || key == "." || key == ".." || key == "_index" {
			return errValue("'%s' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index')", key)
		}
	}
	return nil
}

// readSpecifications reads the tags of a creation, by kind of resource.
func readSpecifications(list []tagSpecification, allowed ...string) (map[string]map[string]string, error) {
	byKind := map[string]map[string]string{}
	for _, spec := range list {
		if !slices.Contains(allowed, spec.ResourceType) {
			return nil, errValue("'%s' is not a valid taggable resource type for this operation.", spec.ResourceType)
		}
		if _, twice := byKind[spec.ResourceType]; twice {
			return nil, errValue("The same resource type may not be specified more than once in tag specifications")
		}
		if len(spec.Tags) == 0 {
			return nil, errValue("Tag specification must have at least one tag")
		}
		tags, err := checkTags(spec.Tags)
		if err != nil {
			return nil, err
		}
		byKind[spec.ResourceType] = tags
	}
	return byKind, nil
}

// tag sets the first tags of a new resource.
func (s *Service) tag(tx *store.Tx, id string, tags map[string]string) {
	if len(tags) > 0 {
		s.tags.Put(tx, id, maps.Clone(tags))
	}
}

func (s *Service) tagList(tx *store.Tx, id string) wire.Items[Tag] {
	tags, _ := s.tags.Get(tx, id)
	return listTags(tags)
}

func listTags(tags map[string]string) wire.Items[Tag] {
	out := make(wire.Items[Tag], 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, Tag{k, tags[k]})
	}
	return out
}

// index is the resources of one kind, whatever their type: those that a caller
// in a region sees.
type index interface {
	ids(tx *store.Tx, region string) iter.Seq[string]
	has(tx *store.Tx, region, id string) error // nil: it has
}

type taggedKind struct {
	prefix string
	index  index
}

// tagged are the kinds that can have tags, in the order in which DescribeTags
// tells of them.
func (s *Service) tagged() []taggedKind {
	return []taggedKind{
		{"i", s.instances},
		{"vol", s.volumes},
		{"eni", s.interfaces},
		{"sg", s.groups},
		{"sgr", ruleIndex{s}},
		{"key", s.keys},
		{"vpc", s.vpcs},
		{"subnet", s.subnets},
		{"igw", s.gateways},
		{"rtb", s.routeTables},
		{"cr", s.capacity},
		{"sir", s.spot},
	}
}

// taggable finds any resource by its id, and the condition keys it has.
func (s *Service) taggable(tx *store.Tx, region, id string) (kind, policy.Context, error) {
	k, known := kindOf(id)
	all := s.tagged()
	i := slices.IndexFunc(all, func(t taggedKind) bool { return t.prefix == k.prefix })
	switch {
	case !known:
		return k, nil, wire.Errorf("InvalidID", "The ID '%s' is not valid", id)
	case i < 0: // an image, which is somebody else's
		return k, nil, errNoResource(k.prefix, id)
	}
	if err := all[i].index.has(tx, region, id); err != nil {
		return k, nil, err
	}
	if instance, is := s.instances.Get(tx, id); is {
		return k, s.instanceKeys(tx, instance), nil
	}
	return k, s.resourceKeys(tx, region, id), nil
}

type tagsInput struct {
	call.Dry
	Resources []string `query:"ResourceId"`
	Tags      []Tag    `query:"Tag"`
}

type done struct {
	Return bool `xml:"return"`
}

// createTags adds or overwrites tags, on all the resources or on none.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
func (s *Service) createTags(tx *store.Tx, c *call.Caller, in *tagsInput) (*done, error) {
	if len(in.Resources) == 0 {
		return nil, errMissing("ResourceId")
	}
	if len(in.Tags) == 0 {
		return nil, errMissing("Tag")
	}
	set, err := checkTags(in.Tags)
	if err != nil {
		return nil, err
	}
	for _, id := range in.Resources {
		k, keys, err := s.taggable(tx, c.Region, id)
		if err != nil {
			return nil, err
		}
		if err := c.Require("ec2:CreateTags", s.arn(c.Region, k.arn, id), keys.Merge(requestKeys(set))); err != nil {
			return nil, err
		}
		old, _ := s.tags.Get(tx, id)
		tags := maps.Clone(old)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, set)
		if len(tags) > maxTags {
			return nil, wire.Errorf("TagLimitExceeded", "The maximum number of Tags for a resource is %d", maxTags)
		}
		if i, found := s.instances.Get(tx, id); found && i.Metadata.Tags == "enabled" {
			if err := checkMetadataKeys(set); err != nil {
				return nil, err
			}
		}
		s.tags.Put(tx, id, tags)
	}
	return &done{true}, nil
}

type deleteTagsInput struct {
	call.Dry
	Resources []string `query:"ResourceId"`
	Tags      []struct {
		Key   string
		Value *string
	} `query:"Tag"`
}

// deleteTags takes tags away: by key and, where a value is given, only if they
// have it; all of them where no tag is given.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
func (s *Service) deleteTags(tx *store.Tx, c *call.Caller, in *deleteTagsInput) (*done, error) {
	if len(in.Resources) == 0 {
		return nil, errMissing("ResourceId")
	}
	for _, id := range in.Resources {
		k, keys, err := s.taggable(tx, c.Region, id)
		if err != nil {
			return nil, err
		}
		old, _ := s.tags.Get(tx, id)
		tags := maps.Clone(old)
		var named []string
		for _, t := range in.Tags {
			named = append(named, t.Key)
			if v, tagged := tags[t.Key]; tagged && (t.Value == nil || *t.Value == v) {
				delete(tags, t.Key)
			}
		}
		if len(in.Tags) == 0 {
			named, tags = slices.Sorted(maps.Keys(old)), nil
		}
		keys = keys.Merge(policy.Context{"aws:tagkeys": named})
		if err := c.Require("ec2:DeleteTags", s.arn(c.Region, k.arn, id), keys); err != nil {
			return nil, err
		}
		s.tags.Put(tx, id, tags)
	}
	return &done{true}, nil
}
