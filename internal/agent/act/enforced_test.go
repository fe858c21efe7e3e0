package act_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
)

// insides is the runtime none, which remembers the machines that it booted: a
// test stands inside one by its metadata.
type insides struct {
	*none.Runtime
	mu       sync.Mutex
	machines map[string]runtime.Machine
}

func (r *insides) Boot(ctx context.Context, m runtime.Machine) (runtime.Running, error) {
	r.mu.Lock()
	r.machines[m.ID] = m
	r.mu.Unlock()
	return r.Runtime.Boot(ctx, m)
}

// scene is the local cloud, which enforces permissions, with the agent's role
// as an account really has it.
type scene struct {
	*testing.T
	cloud   cloudtest.Cloud
	api     *ec2.Client
	who     account.Identity
	insides *insides
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{T: t, insides: &insides{Runtime: none.New(), machines: map[string]runtime.Machine{}}}
	s.cloud = cloudtest.Local(t, s.insides)
	s.api = s.cloud.Target.EC2()
	var err error
	s.who, err = account.Identify(t.Context(), account.STSOf(s.cloud.Target))
	s.must(err)
	origin := func() lifecycle.Origin {
		return lifecycle.Origin{Owner: s.who.ARN, Launch: "test", Created: time.Now()}
	}
	_, err = account.EnsureRole(t.Context(), account.IAMOf(s.cloud.Target), s.who, origin, func(account.Kind, string) {})
	s.must(err)
	return s
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// launch starts an instance with the role, and returns its id and, for a Spot
// instance, its request's.
func (s *scene) launch(edit func(*ec2.RunInstancesInput)) (id, request string) {
	s.Helper()
	in := &ec2.RunInstancesInput{
		ImageId:      aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		InstanceType: "m5.large", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("spored-instance-role")},
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{
			{Key: aws.String(lifecycle.TagManaged), Value: aws.String("true")},
		}}},
	}
	if edit != nil {
		edit(in)
	}
	out, err := s.api.RunInstances(s.Context(), in)
	s.must(err)
	i := out.Instances[0]
	s.await(*i.InstanceId, types.InstanceStateNameRunning)
	return *i.InstanceId, aws.ToString(i.SpotInstanceRequestId)
}

func (s *scene) describe(id string) types.Instance {
	s.Helper()
	out, err := s.api.DescribeInstances(s.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	s.must(err)
	return out.Reservations[0].Instances[0]
}

func (s *scene) await(id string, want types.InstanceStateName) {
	s.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		state := s.describe(id).State.Name
		if state == want {
			return
		}
		if time.Now().After(until) {
			s.Fatalf("%s is %s, not %s", id, state, want)
		}
	}
}

// claim tags a Spot request as that of an instance, as a launch does.
func (s *scene) claim(request, instance string) {
	s.Helper()
	_, err := s.api.CreateTags(s.Context(), &ec2.CreateTagsInput{Resources: []string{request}, Tags: []types.Tag{
		{Key: aws.String(lifecycle.TagManaged), Value: aws.String("true")},
		{Key: aws.String(lifecycle.TagInstance), Value: aws.String("arn:aws:ec2:" + s.cloud.Target.Region + ":" + s.who.Account + ":instance/" + instance)},
	}})
	s.must(err)
}

// tag tags an instance, as its owner.
func (s *scene) tag(id, key, value string) {
	s.Helper()
	_, err := s.api.CreateTags(s.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}}})
	s.must(err)
}

// metadata is what an instance reads about itself.
func (s *scene) metadata(id string) *sense.Metadata {
	s.Helper()
	s.insides.mu.Lock()
	m := s.insides.machines[id]
	s.insides.mu.Unlock()
	server := httptest.NewServer(m.Metadata)
	s.Cleanup(server.Close)
	return sense.NewMetadata(server.URL)
}

// from is the API of an instance's agent: with the role's credentials, read
// from the metadata of that instance.
func (s *scene) from(id string) act.EC2API {
	s.Helper()
	metadata := s.metadata(id)
	return act.NewEC2(s.cloud.Target.Region, aws.ToString(s.api.Options().BaseEndpoint), metadata.Client(), metadata.DialContext)
}

// denied fails unless EC2 refused for lack of permission.
func (s *scene) denied(what string, err error) {
	s.Helper()
	if !awserr.IsDenied(err) {
		s.Errorf("%s another: %v, want a denial", what, err)
	}
}

func persistent(in *ec2.RunInstancesInput) {
	in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{
		MarketType: types.MarketTypeSpot,
		SpotOptions: &types.SpotMarketOptions{
			SpotInstanceType:             types.SpotInstanceTypePersistent,
			InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop,
		},
	}
}

// short bounds an action that is refused for as long as it is tried.
func short(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAnAgentActsOnItsOwnInstanceAlone(t *testing.T) {
	s := newScene(t)
	me, mine := s.launch(persistent)
	s.claim(mine, me)
	api := s.from(me)
	for who, edit := range map[string]func(*ec2.RunInstancesInput){
		"another of spawn's": persistent,
		"somebody else's":    func(in *ec2.RunInstancesInput) { persistent(in); in.TagSpecifications = nil },
		"one without a role": func(in *ec2.RunInstancesInput) { persistent(in); in.IamInstanceProfile = nil },
	} {
		other, others := s.launch(edit)
		s.claim(others, other)
		t.Run(who, func(t *testing.T) { s.in(t).powerlessOver(api, me, other, others) })
		s.await(other, types.InstanceStateNameRunning)
	}
	s.powerlessOverItsOwnTags(api, me)

	self := act.NewInstance(api, me)
	s.must(self.Tell(t.Context(), lifecycle.Status{Phase: lifecycle.PhaseReady, Agent: "test", At: time.Now()}))
	s.must(self.Stop(t.Context()))
	s.await(me, types.InstanceStateNameStopped)
}

// TestAnAgentOfAnUnmanagedInstanceMayNothing: whoever gives the role to an
// instance that spawn did not make gives it nothing.
func TestAnAgentOfAnUnmanagedInstanceMayNothing(t *testing.T) {
	s := newScene(t)
	me, _ := s.launch(func(in *ec2.RunInstancesInput) { in.TagSpecifications = nil })
	self := act.NewInstance(s.from(me), me)
	s.denied("terminate", self.Terminate(short(t)))
	s.denied("stop", self.Stop(short(t)))
	s.denied("tag", self.Tell(short(t), lifecycle.Status{Phase: lifecycle.PhaseReady}))
	s.await(me, types.InstanceStateNameRunning)
}

// in is the same scene in a part of the test.
func (s *scene) in(t *testing.T) *scene {
	part := *s
	part.T = t
	return &part
}

// powerlessOver fails if the agent of an instance can do anything to another,
// whose end could be moved by its deadline and prevented by its other tags.
func (s *scene) powerlessOver(api act.EC2API, me, other, others string) {
	s.Helper()
	victim := act.NewInstance(api, other)
	s.denied("terminate", victim.Terminate(short(s.T)))
	s.denied("stop", victim.Stop(short(s.T)))
	s.denied("hibernate", victim.Hibernate(short(s.T)))
	s.denied("tag", victim.Tell(short(s.T), lifecycle.Status{Phase: lifecycle.PhaseReady}))
	s.denied("cancel the request of", victim.CancelSpot(short(s.T), others))
	s.denied("extend", s.tries(api, other, lifecycle.TagDeadline, "2040-01-01T00:00:00Z"))
	s.denied("take over", s.tries(api, other, lifecycle.TagManaged, "true"))
	s.denied("claim the request of", s.tries(api, others, lifecycle.TagInstance, "arn:aws:ec2:"+s.cloud.Target.Region+":"+s.who.Account+":instance/"+me))
}

// powerlessOverItsOwnTags fails if an instance can write more of its own tags
// than its status, alone or along with that.
func (s *scene) powerlessOverItsOwnTags(api act.EC2API, me string) {
	s.Helper()
	for _, key := range []string{lifecycle.TagDeadline, lifecycle.TagSpotRequest, lifecycle.TagManaged, lifecycle.TagOwner} {
		s.denied("write "+key+" on itself, and on", s.tries(api, me, key, "x"))
		s.denied("write "+key+" beside its status on itself, and on", s.tries(api, me, lifecycle.TagStatus, "x", key, "x"))
	}
}

func (s *scene) tries(api act.EC2API, id string, keysAndValues ...string) error {
	var tags []types.Tag
	for i := 0; i < len(keysAndValues); i += 2 {
		tags = append(tags, types.Tag{Key: aws.String(keysAndValues[i]), Value: aws.String(keysAndValues[i+1])})
	}
	_, err := api.CreateTags(s.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags})
	return err
}

// TestAPersistentRequestIsCancelledFirst: without that EC2 starts another
// instance in the place of the one that ended.
func TestAPersistentRequestIsCancelledFirst(t *testing.T) {
	s := newScene(t)
	me, request := s.launch(persistent)
	s.claim(request, me)
	self := act.NewInstance(s.from(me), me)
	s.must(self.CancelSpot(t.Context(), request))
	s.must(self.CancelSpot(t.Context(), request)) // a lost answer is asked for again
	s.must(self.Terminate(t.Context()))
	s.await(me, types.InstanceStateNameTerminated)
	s.must(self.Terminate(t.Context()))

	out, err := s.api.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{request}})
	s.must(err)
	if state := out.SpotInstanceRequests[0].State; state != types.SpotInstanceStateCancelled {
		t.Errorf("the request is %s", state)
	}
	all, err := s.api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	s.must(err)
	if len(all.Reservations) != 1 {
		t.Errorf("%d launches: the request started another instance", len(all.Reservations))
	}
}

func TestWhatCannotBeIsSaidAtOnce(t *testing.T) {
	s := newScene(t)
	plain, _ := s.launch(nil)
	begun := time.Now()
	if err := act.NewInstance(s.from(plain), plain).Hibernate(t.Context()); awserr.Code(err) != "UnsupportedHibernationConfiguration" || errors.Is(err, act.ErrNotYet) {
		t.Errorf("hibernate an instance that was not launched for it: %v", err)
	}
	ready, _ := s.launch(func(in *ec2.RunInstancesInput) {
		in.HibernationOptions = &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{
			Encrypted: aws.Bool(true), VolumeSize: aws.Int32(30), VolumeType: types.VolumeTypeGp3,
		}}}
	})
	if err := act.NewInstance(s.from(ready), ready).Hibernate(t.Context()); !errors.Is(err, act.ErrNotYet) {
		t.Errorf("hibernate in the first two minutes: %v", err)
	}
	once, _ := s.launch(func(in *ec2.RunInstancesInput) {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	})
	if err := act.NewInstance(s.from(once), once).Stop(t.Context()); awserr.Code(err) != "UnsupportedOperation" {
		t.Errorf("stop a one-time Spot instance: %v", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("what can never be was tried for %s", took)
	}
	for _, id := range []string{plain, ready, once} {
		s.await(id, types.InstanceStateNameRunning)
	}

	s.must(s.cloud.Local.Clock().Advance(3 * time.Minute))
	s.must(act.NewInstance(s.from(ready), ready).Hibernate(t.Context()))
	s.await(ready, types.InstanceStateNameStopped)
	if reason := s.describe(ready).StateReason; aws.ToString(reason.Code) != "Client.UserInitiatedHibernate" {
		t.Errorf("it did not hibernate: %s", aws.ToString(reason.Code))
	}
}

// TestTagsWithoutMetadataTags: an instance whose metadata shows no tags learns by
// the API that it was extended, with its role as it is. Where metadata shows
// them the API is not asked.
func TestTagsWithoutMetadataTags(t *testing.T) {
	s := newScene(t)
	first, moved := "2026-11-28T20:00:00Z", "2026-11-28T21:00:00Z"
	for shown, want := range map[types.InstanceMetadataTagsState]int{
		types.InstanceMetadataTagsStateDisabled: 2,
		types.InstanceMetadataTagsStateEnabled:  0,
	} {
		t.Run(string(shown), func(t *testing.T) {
			me, _ := s.launch(func(in *ec2.RunInstancesInput) {
				in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: shown}
			})
			other, _ := s.launch(nil)
			s.tag(other, lifecycle.TagTTL, "1h")
			calls := 0
			metadata := s.metadata(me)
			tags := sense.NewTags(metadata, t.TempDir(), func() time.Duration { return 0 }, func(id sense.Identity) sense.TagsAPI {
				return counted{act.NewEC2(id.Region, aws.ToString(s.api.Options().BaseEndpoint), metadata.Client(), metadata.DialContext), &calls}
			})
			for _, deadline := range []string{first, moved} {
				s.tag(me, lifecycle.TagDeadline, deadline)
				got, err := tags.Tags(t.Context())
				if err != nil || len(got) != 1 || got[lifecycle.TagDeadline] != deadline {
					t.Errorf("read %v, %v, want the deadline %s alone", got, err, deadline)
				}
			}
			if calls != want {
				t.Errorf("the API was asked %d times, want %d", calls, want)
			}
		})
	}
}

// counted is an API whose calls are counted.
type counted struct {
	*ec2.Client
	calls *int
}

func (c counted) DescribeTags(ctx context.Context, in *ec2.DescribeTagsInput, o ...func(*ec2.Options)) (*ec2.DescribeTagsOutput, error) {
	*c.calls++
	return c.Client.DescribeTags(ctx, in, o...)
}
