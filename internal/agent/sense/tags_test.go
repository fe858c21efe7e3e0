package sense

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// describer is an EC2 API that tells one tag, or refuses.
type describer struct {
	ttl     string
	refuses error
	calls   int
}

func (d *describer) DescribeTags(_ context.Context, in *ec2.DescribeTagsInput, _ ...func(*ec2.Options)) (*ec2.DescribeTagsOutput, error) {
	d.calls++
	if d.refuses != nil {
		return nil, d.refuses
	}
	if len(in.Filters) == 0 || in.Filters[0].Values[0] != "i-1" {
		return nil, errors.New("the tags of everything were asked for")
	}
	return &ec2.DescribeTagsOutput{Tags: []types.TagDescription{{Key: aws.String(lifecycle.TagTTL), Value: aws.String(d.ttl)}}}, nil
}

// TestWhereTagsAreRead goes through where they are current.
func TestWhereTagsAreRead(t *testing.T) {
	refused := errors.New("UnauthorizedOperation")
	for name, tt := range map[string]struct {
		hypervisor, metadata string
		refuses              error
		want                 string
		calls                int // of three looks
	}{
		"Nitro":                      {"", "8h", nil, "8h", 0},
		"metadata tags are off":      {"", "", nil, "12h", 3},
		"Xen shows old ones":         {"xen\n", "8h", nil, "12h", 3},
		"Xen, and the role may not":  {"xen\n", "8h", refused, "8h", 1},
		"off, and the role may not":  {"", "", refused, "", 1},
		"another hypervisor is told": {"kvm\n", "8h", nil, "8h", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			if tt.hypervisor != "" {
				s.put(t, "sys/hypervisor/type", tt.hypervisor)
			}
			service, m := newMetadataStand(t)
			paths := map[string]string{"instance-id": "i-1", "placement/region": "us-east-1"}
			if tt.metadata != "" {
				paths["tags/instance/"+lifecycle.TagTTL] = tt.metadata
			}
			service.set(paths, 0)
			api := &describer{ttl: "12h", refuses: tt.refuses}
			tags := NewTags(m, s.Sys, s.Elapsed, func(Identity) TagsAPI { return api })
			for range 3 {
				s.elapsed += 15 * time.Second
				got, err := tags.Tags(t.Context())
				if got[lifecycle.TagTTL] != tt.want || (err != nil) != (tt.want == "") {
					t.Errorf("read %v, %v, want a TTL of %q", got, err, tt.want)
				}
			}
			if api.calls != tt.calls {
				t.Errorf("the API was asked %d times, want %d", api.calls, tt.calls)
			}
		})
	}
}

// TestOldTagsDoNotComeBack: an instance on Xen was extended, which the API told
// and metadata does not know. When the API fails, nothing is known, and not
// that the old deadline is back.
func TestOldTagsDoNotComeBack(t *testing.T) {
	s := newStand(t)
	s.put(t, "sys/hypervisor/type", "xen\n")
	service, m := newMetadataStand(t)
	service.set(map[string]string{
		"instance-id": "i-1", "placement/region": "us-east-1", "tags/instance/" + lifecycle.TagTTL: "8h",
	}, 0)
	api := &describer{ttl: "12h"}
	tags := NewTags(m, s.Sys, s.Elapsed, func(Identity) TagsAPI { return api })
	if got, err := tags.Tags(t.Context()); err != nil || got[lifecycle.TagTTL] != "12h" {
		t.Fatalf("read %v, %v", got, err)
	}
	api.refuses = errors.New("RequestLimitExceeded")
	if got, err := tags.Tags(t.Context()); err == nil {
		t.Errorf("the API failed, and read %v", got)
	}
}
