package sense

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	describeTimeout = 3 * time.Second
	// describeAgain is the pause after the API did not tell: most likely the
	// role may not ask.
	describeAgain = 5 * time.Minute
)

// TagsAPI is the call that tells the tags of an instance.
type TagsAPI interface {
	DescribeTags(context.Context, *ec2.DescribeTagsInput, ...func(*ec2.Options)) (*ec2.DescribeTagsOutput, error)
}

// Tags reads the tags of the instance where they are current: from its metadata,
// and by the API where metadata has none (they are switched off) or old ones
// (on Xen, until the next start). Where the API does not tell, because the role
// may not ask, old tags are better than none; where metadata has none either,
// nothing is known and that is an error.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
type Tags struct {
	*Metadata
	elapsed func() time.Duration
	api     func(Identity) TagsAPI
	stale   bool // metadata shows the tags of the last start

	client   TagsAPI // of identity; nil before that is known
	identity Identity
	told     bool          // the API has told once: metadata is older, and never asked again
	refused  error         // why the API did not tell, before it ever did
	at       time.Duration // when that was
}

// NewTags reads tags on a machine whose /sys is at sys, "" if it has none. api is
// called once, when it is known which instance this is; it must not block.
func NewTags(m *Metadata, sys string, elapsed func() time.Duration, api func(Identity) TagsAPI) *Tags {
	return &Tags{Metadata: m, elapsed: elapsed, api: api, stale: onXen(sys)}
}

// onXen tells that the machine is a guest of Xen. Where that cannot be told it
// is not.
//
// https://www.kernel.org/doc/Documentation/ABI/stable/sysfs-hypervisor-xen
func onXen(sys string) bool {
	if sys == "" {
		return false
	}
	hypervisor, err := readFile(filepath.Join(sys, "hypervisor", "type"), 64)
	return err == nil && strings.TrimSpace(string(hypervisor)) == "xen"
}

// Tags reads the tags that the agent obeys, as Metadata.Tags does. It must not
// be called twice at the same time.
func (t *Tags) Tags(ctx context.Context) (map[string]string, error) {
	if t.told {
		// An answer of the API is never followed by older ones from metadata:
		// they would undo what was read.
		return t.describe(ctx)
	}
	tags, err := t.Metadata.Tags(ctx)
	if err != nil || tags != nil && !t.stale {
		return tags, err
	}
	described := t.tryAPI(ctx)
	switch {
	case t.told:
		return described, nil
	case tags == nil:
		return nil, t.refused
	default:
		return tags, nil
	}
}

// tryAPI asks the API for the first time, and again only after a while.
func (t *Tags) tryAPI(ctx context.Context) map[string]string {
	if t.refused != nil && t.elapsed() < t.at+describeAgain {
		return nil
	}
	tags, err := t.describe(ctx)
	t.told, t.refused, t.at = err == nil, err, t.elapsed()
	return tags
}

func (t *Tags) describe(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	if t.client == nil {
		identity, err := t.Identity(ctx)
		if err != nil {
			return nil, err
		}
		t.identity, t.client = identity, t.api(identity)
	}
	out, err := t.client.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{
		{Name: aws.String("resource-id"), Values: []string{t.identity.InstanceID}},
		{Name: aws.String("key"), Values: policyTags()},
	}})
	if err != nil {
		return nil, fmt.Errorf("read the tags of %s: %w", t.identity.InstanceID, err)
	}
	if aws.ToString(out.NextToken) != "" {
		return nil, errors.New("EC2 tells an instance's tags in pieces")
	}
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags, nil
}
