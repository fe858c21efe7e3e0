package ec2

import (
	"iter"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeTagsInput struct {
	Listing
}

type tagView struct {
	Resource string `xml:"resourceId"`
	Kind     string `xml:"resourceType"`
	Key      string `xml:"key"`
	Value    string `xml:"value"`
}

type describeTagsOutput struct {
	Tags      wire.Items[tagView] `xml:"tagSet"`
	NextToken string              `xml:"nextToken,omitempty"`
}

// attribute is the filters of DescribeTags: besides tag:… it has key and value.
func (t tagView) attribute(name string) ([]string, bool) {
	switch name {
	case "key":
		return one(t.Key)
	case "value":
		return one(t.Value)
	case "resource-id":
		return one(t.Resource)
	case "resource-type":
		return one(t.Kind)
	}
	return nil, false
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
func (s *Service) describeTags(tx *store.Tx, c *call.Caller, in *describeTagsInput) (*describeTagsOutput, error) {
	found, next, err := listing[tagView]{
		all: numbered(s.tagsIn(tx, c.Region)), attribute: tagView.attribute, pages: limits{5, 1000},
		tags: func(t tagView) map[string]string { return map[string]string{t.Key: t.Value} },
	}.list(in.Listing, nil)
	if err != nil {
		return nil, err
	}
	return &describeTagsOutput{found, next}, nil
}

// tagsIn yields the tags of all that a caller sees in a region, by age within
// each kind.
func (s *Service) tagsIn(tx *store.Tx, region string) iter.Seq[tagView] {
	return func(yield func(tagView) bool) {
		for _, kind := range s.tagged() {
			k, _ := kindOf(kind.prefix + "-")
			for id := range kind.index.ids(tx, region) {
				for _, t := range s.tagList(tx, id) {
					if !yield(tagView{id, k.arn, t.Key, t.Value}) {
						return
					}
				}
			}
		}
	}
}
