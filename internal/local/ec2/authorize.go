package ec2

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// Which resources and condition keys an action has is listed in
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html

// arn is the ARN of a resource: of what kind, and which; * is any.
func (s *Service) arn(region, kind, id string) string {
	account := s.Account
	if kind == "image" || kind == "snapshot" {
		account = "" // images have no account in their ARN
	}
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", region, account, kind, id)
}

// resourceKeys are the condition keys of a resource that exists.
func (s *Service) resourceKeys(tx *store.Tx, region, id string) policy.Context {
	c := policy.Context{}
	c.Set("ec2:Region", region)
	tags, _ := s.tags.Get(tx, id)
	for k, v := range tags {
		c.Set("ec2:ResourceTag/"+k, v)
		c.Set("aws:ResourceTag/"+k, v)
	}
	return c
}

func (s *Service) instanceKeys(tx *store.Tx, i Instance) policy.Context {
	c := s.resourceKeys(tx, i.Region, i.ID)
	c.Set("ec2:InstanceId", i.ID)
	c.Set("ec2:InstanceType", i.Type)
	c.Set("ec2:AvailabilityZone", i.Zone)
	c.Set("ec2:RootDeviceType", "ebs")
	if i.ProfileARN != "" {
		c.Set("ec2:InstanceProfile", i.ProfileARN)
	}
	return c
}

// requestKeys are the condition keys of tags that a request carries.
func requestKeys(tags map[string]string) policy.Context {
	c := policy.Context{}
	for k, v := range tags {
		c.Set("aws:RequestTag/"+k, v)
	}
	if len(tags) > 0 {
		c.Set("aws:TagKeys", slices.Sorted(maps.Keys(tags))...)
	}
	return c
}

func (s *Service) regionKey(c *call.Caller) policy.Context {
	keys := policy.Context{}
	keys.Set("ec2:Region", c.Region)
	return keys
}

// requireTagging asks for the permission to tag what an action creates.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
func (s *Service) requireTagging(c *call.Caller, creating, kind string, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	keys := requestKeys(tags).Merge(s.regionKey(c))
	keys.Set("ec2:CreateAction", creating)
	return c.Require("ec2:CreateTags", s.arn(c.Region, kind, "*"), keys)
}
