package act_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// TestTheAgentsRoleHasNothingSuperfluous: all that an agent does, and its role
// may do no more.
func TestTheAgentsRoleHasNothingSuperfluous(t *testing.T) {
	s := newScene(t)
	bucket := permissions.BucketPrefix(s.who.Account) + "-test"
	store := s3.NewFromConfig(s.cloud.Target.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	s.must(err)
	_, err = store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("program")})
	s.must(err)

	me, mine := s.launch(persistent)
	s.claim(mine, me)
	api := s.from(me)
	options := api.(*ec2.Client).Options()
	fetch := s3.New(s3.Options{Region: options.Region, BaseEndpoint: options.BaseEndpoint, Credentials: options.Credentials, UsePathStyle: true})
	_, err = fetch.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("program")})
	s.must(err)
	self := act.NewInstance(api, me)
	s.must(self.Tell(t.Context(), lifecycle.Status{Phase: lifecycle.PhaseReady, Agent: "test"}))
	_, err = api.(*ec2.Client).DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("resource-id"), Values: []string{me}}}})
	s.must(err) // where the metadata shows no tags
	s.must(self.Stop(t.Context()))
	s.await(me, types.InstanceStateNameStopped)
	s.must(self.CancelSpot(t.Context(), mine))
	next, _ := s.launch(nil)
	s.must(act.NewInstance(s.from(next), next).Terminate(t.Context()))

	needs := cloudtest.Needs(t.Name(), ":assumed-role/"+permissions.AgentRole+"/", s.cloud.Local.Tape().Calls(0))
	cloudtest.LeastPrivilege(t, permissions.Agent("aws", s.who.Account), needs, nil, nil)
}
