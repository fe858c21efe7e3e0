package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeTagsInput struct {
	call.Dry
	Paging
	Filters []filter `query:"Filter"`
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

// attributes are the filters of DescribeTags, which are its own: key and value
// instead of tag-key and tag-value.
func (t tagView) attributes(name string) ([]string, bool) {
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

func (s *Service) describeTags(tx *store.Tx, c *call.Caller, in *describeTagsInput) (*describeTagsOutput, error) {
	if err := s.requireList(c, "DescribeTags"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, tagView{}.attributes); err != nil {
		return nil, err
	}
	var all []tagView
	for _, id := range s.taggedIn(tx, c.Region) {
		k, _ := kindOf(id)
		for _, t := range s.tagList(tx, id) {
			v := tagView{id, k.arn, t.Key, t.Value}
			if passes(in.Filters, map[string]string{t.Key: t.Value}, v.attributes) {
				all = append(all, v)
			}
		}
	}
	rows := func(yield func(uint64, tagView) bool) {
		for i, t := range all {
			if !yield(uint64(i)+1, t) {
				return
			}
		}
	}
	found, next, err := page(in.Paging, limits{5, 1000}, false, rows, func(tagView) bool { return true })
	if err != nil {
		return nil, err
	}
	return &describeTagsOutput{Tags: found, NextToken: next}, nil
}

// taggedIn are the ids of a region's resources that may have tags, by age
// within each kind.
func (s *Service) taggedIn(tx *store.Tx, region string) []string {
	var ids []string
	for _, i := range s.instances.All(tx) {
		if i.Region == region {
			ids = append(ids, i.ID)
		}
	}
	for _, v := range s.volumes.All(tx) {
		if v.Region == region {
			ids = append(ids, v.ID)
		}
	}
	for _, n := range s.interfaces.All(tx) {
		if n.Region == region {
			ids = append(ids, n.ID)
		}
	}
	for _, g := range s.groups.All(tx) {
		if g.Region == region {
			ids = append(ids, g.ID)
		}
	}
	for _, k := range s.keys.All(tx) {
		if k.Region == region {
			ids = append(ids, k.ID)
		}
	}
	ids = append(ids, s.networksIn(tx, region)...)
	return ids
}

func (s *Service) networksIn(tx *store.Tx, region string) (ids []string) {
	for _, v := range s.vpcs.All(tx) {
		if v.Region == region {
			ids = append(ids, v.ID)
		}
	}
	for _, n := range s.subnets.All(tx) {
		if n.Region == region {
			ids = append(ids, n.ID)
		}
	}
	for _, g := range s.gateways.All(tx) {
		if g.Region == region {
			ids = append(ids, g.ID)
		}
	}
	for _, t := range s.routeTables.All(tx) {
		if t.Region == region {
			ids = append(ids, t.ID)
		}
	}
	for _, r := range s.rulesIn(tx, region) {
		ids = append(ids, r.ID)
	}
	return ids
}
