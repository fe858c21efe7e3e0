package scheduler

import (
	"maps"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// Only groups have tags; a schedule has none.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_TagResource.html

type tag struct {
	Key   string
	Value string
}

// readTags checks the tags of a request.
func readTags(list []tag) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		_, twice := tags[t.Key]
		switch {
		case t.Key == "" || len(t.Key) > 128 || t.Value == "" || len(t.Value) > 256:
			return nil, errValidation("A tag's key must have 1 to 128 characters, and its value 1 to 256")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, errValidation("Tag keys that begin with aws: are reserved")
		case twice:
			return nil, errValidation("The tag key %s is given more than once", t.Key)
		}
		tags[t.Key] = t.Value
	}
	return tags, checkCount(tags)
}

func checkCount(tags map[string]string) error {
	if len(tags) > 50 {
		return errValidation("A resource can have 50 tags at most")
	}
	return nil
}

// tagKeys are the condition keys of a request that carries tags.
func tagKeys(tags map[string]string) policy.Context {
	c := policy.Context{}
	for k, v := range tags {
		c.Set("aws:RequestTag/"+k, v)
	}
	if len(tags) > 0 {
		c.Set("aws:TagKeys", slices.Sorted(maps.Keys(tags))...)
	}
	return c
}

// resourceKeys are the condition keys of a group that has tags.
func resourceKeys(tags map[string]string) policy.Context {
	c := policy.Context{}
	for k, v := range tags {
		c.Set("aws:ResourceTag/"+k, v)
	}
	return c
}

// tagged finds the group that an ARN names, for who may do action to it.
func (s *Service) tagged(tx *store.Tx, c *call.Caller, action, arn string, keys policy.Context) (Group, error) {
	name, ours := strings.CutPrefix(arn, s.groupARN(c.Region, ""))
	if !ours || !nameForm.MatchString(name) {
		return Group{}, errValidation("The resource %s is not a schedule group of this account and region", arn)
	}
	g, found := s.group(tx, c.Region, name)
	if err := c.Require(action, arn, resourceKeys(g.Tags).Merge(keys)); err != nil {
		return Group{}, err
	}
	if !found {
		return Group{}, errNoGroup(name)
	}
	return g, nil
}

// editable is tagged for a change. The default group takes none.
func (s *Service) editable(tx *store.Tx, c *call.Caller, action, arn string, keys policy.Context) (Group, error) {
	g, err := s.tagged(tx, c, action, arn, keys)
	if err == nil && g.Name == defaultGroup {
		err = errValidation("The default schedule group cannot be edited.")
	}
	return g, err
}

type tagResourceInput struct {
	ResourceArn string `path:"ResourceArn"`
	Tags        []tag
}

// tagResource adds tags to a group, or replaces their values.
func (s *Service) tagResource(tx *store.Tx, c *call.Caller, in *tagResourceInput) (*nothing, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	g, err := s.editable(tx, c, "scheduler:TagResource", in.ResourceArn, tagKeys(tags))
	if err != nil {
		return nil, err
	}
	all := maps.Clone(g.Tags)
	maps.Copy(all, tags)
	if err := checkCount(all); err != nil {
		return nil, err
	}
	g.Tags = all
	s.groups.Put(tx, in.ResourceArn, g)
	return nil, nil
}

type untagResourceInput struct {
	ResourceArn string   `path:"ResourceArn"`
	TagKeys     []string `query:"TagKeys"`
}

// untagResource takes tags from a group. One that it does not have is no error.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UntagResource.html
func (s *Service) untagResource(tx *store.Tx, c *call.Caller, in *untagResourceInput) (*nothing, error) {
	if len(in.TagKeys) == 0 || len(in.TagKeys) > 50 {
		return nil, errValidation("There must be 1 to 50 keys of tags")
	}
	keys := policy.Context{}
	keys.Set("aws:TagKeys", in.TagKeys...)
	g, err := s.editable(tx, c, "scheduler:UntagResource", in.ResourceArn, keys)
	if err != nil {
		return nil, err
	}
	g.Tags = maps.Clone(g.Tags)
	for _, key := range in.TagKeys {
		delete(g.Tags, key)
	}
	s.groups.Put(tx, in.ResourceArn, g)
	return nil, nil
}

type listTagsInput struct {
	ResourceArn string `path:"ResourceArn"`
}

type listTagsOutput struct {
	Tags []tag
}

// listTags lists a group's tags by key.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListTagsForResource.html
func (s *Service) listTags(tx *store.Tx, c *call.Caller, in *listTagsInput) (*listTagsOutput, error) {
	g, err := s.tagged(tx, c, "scheduler:ListTagsForResource", in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	out := &listTagsOutput{Tags: []tag{}}
	for _, k := range slices.Sorted(maps.Keys(g.Tags)) {
		out.Tags = append(out.Tags, tag{k, g.Tags[k]})
	}
	return out, nil
}
