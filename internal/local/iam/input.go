package iam

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Tag is a tag as it travels.
type Tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

var (
	nameForm = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathForm = regexp.MustCompile(`^/(?:[\x21-\x7e]+/)?$`)
)

// checkName holds a name to IAM's alphabet and the length of its kind.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func checkName(parameter, name string, longest int) error {
	if name == "" || len(name) > longest || !nameForm.MatchString(name) {
		return errInvalid("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_- and have a length of 1 to %d", parameter, longest)
	}
	return nil
}

func checkPath(path string) (string, error) {
	if path == "" {
		return "/", nil
	}
	if len(path) > 512 || !pathForm.MatchString(path) {
		return "", errInvalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

// readTags checks the tags of a new entity.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
func readTags(list []Tag) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		switch _, twice := tags[t.Key]; {
		case t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256:
			return nil, errInvalid("The tag %q has a key or value of a length that is not allowed", t.Key)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, wire.Errorf("InvalidInput", "Tag keys that begin with aws: are reserved")
		case twice:
			return nil, wire.Errorf("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > 50 {
		return nil, errLimitExceeded("The number of tags has reached the maximum limit of 50")
	}
	return tags, nil
}

// writeTags lists tags in order.
func writeTags(tags map[string]string) wire.Members[Tag] {
	out := make(wire.Members[Tag], 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, Tag{k, tags[k]})
	}
	return out
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

// checkDocument reads a policy that is about to be stored.
func checkDocument(text string, kind policy.Kind) error {
	if _, err := policy.Parse([]byte(text), kind); err != nil {
		return wire.Errorf("MalformedPolicyDocument", "%v", err)
	}
	return nil
}

// checkSize holds the inline policies of an entity together to a number of
// characters; white space does not count.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func checkSize(kind, name string, policies map[string]string, limit int) error {
	size := 0
	for _, text := range policies {
		size += len(strings.Join(strings.Fields(text), ""))
	}
	if size > limit {
		return errLimitExceeded("Maximum policy size of %d bytes exceeded for %s %s", limit, kind, name)
	}
	return nil
}

// encodeDocument writes a policy as IAM answers it: percent-encoded.
func encodeDocument(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
