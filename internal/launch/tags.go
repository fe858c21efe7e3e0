package launch

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// EC2's limits for tags, in characters and tags a resource. What spawn itself
// writes, now and later, needs a share of them.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
const (
	maxTagKey   = 128
	maxTagValue = 256
	maxTags     = 50
	ownTags     = 20
)

// checkTags refuses a user's tags that EC2 would refuse, and those that would
// speak in spawn's name.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags-ownTags {
		return problem.New(problem.Usage, "there is room for %d tags of yours, and these are %d", maxTags-ownTags, len(tags))
	}
	for _, key := range lifecycle.SortedKeys(tags) {
		lower := strings.ToLower(key)
		switch {
		case key == "":
			return problem.New(problem.Usage, "a tag needs a key").WithNext("write it like --tag project=alpha")
		case key == lifecycle.TagName:
			return problem.New(problem.Usage, "the tag Name is the instance's name").WithNext("give it with --name")
		case strings.HasPrefix(lower, "aws:") || strings.HasPrefix(lower, "spawn:"):
			return problem.New(problem.Usage, "the tag %s is not yours to set: keys that begin with aws: and spawn: are taken", clip(key))
		case utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(tags[key]) > maxTagValue:
			return problem.New(problem.Usage, "the tag %s is too long: a key has up to %d characters, a value %d", clip(key), maxTagKey, maxTagValue)
		case !tagForm.MatchString(key) || !tagForm.MatchString(tags[key]):
			return problem.New(problem.Usage, "the tag %s has a character that a tag cannot hold", clip(key)).
				WithNext("use letters, digits, spaces and + - = . _ : / @")
		}
	}
	return nil
}

// tagForm is what all services allow in tags.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// metadataKey is what a key may be while the tags are shown in the instance's
// metadata.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
var metadataKey = regexp.MustCompile(`^[a-zA-Z0-9+\-=.,_:@]+$`)

// showTags decides whether the metadata service shows the tags. While it does,
// EC2 refuses other keys, later ones of an organisation too.
func (p *Plan) showTags(s Spec) {
	p.MetadataTags = !s.NoMetadataTags
	for _, key := range lifecycle.SortedKeys(s.Tags) {
		if p.MetadataTags && (!metadataKey.MatchString(key) || key == "." || key == ".." || key == "_index") {
			p.MetadataTags = false
			p.Notes = append(p.Notes, "the tag "+key+" keeps the tags out of the instance's metadata: the agent asks EC2 for them")
		}
	}
}
