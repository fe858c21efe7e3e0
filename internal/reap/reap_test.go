package reap_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/reap"
)

const me, other = "arn:aws:iam::123456789012:user/me", "arn:aws:iam::123456789012:user/other"

func origin(owner string, age time.Duration) lifecycle.Origin {
	return lifecycle.Origin{Owner: owner, Launch: "l", Created: time.Now().Add(-age)}
}

func scope(mine ...string) reap.Scope {
	return reap.Scope{Owner: me, Now: time.Now(), Mine: func(id string) bool { return slices.Contains(mine, id) }}
}

func newGroup(t *testing.T, api *ec2.Client, name string, tags map[string]string) string {
	t.Helper()
	in := &ec2.CreateSecurityGroupInput{GroupName: aws.String(name), Description: aws.String("d")}
	if len(tags) > 0 {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: account.EC2Tags(tags)}}
	}
	vpcs, err := api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if err != nil {
		t.Fatal(err)
	}
	in.VpcId = vpcs.Vpcs[0].VpcId
	out, err := api.CreateSecurityGroup(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.GroupId)
}

func newInstance(t *testing.T, api *ec2.Client, group string, tags lifecycle.InstanceTags) string {
	t.Helper()
	out, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
		ImageId:          aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		SecurityGroupIds: []string{group},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags.Tags()),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Instances[0].InstanceId)
}

func ids(items []reap.Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.ID)
	}
	return out
}

func TestFindsOnlyWhatIsOursUnusedAndSettled(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		kept := origin(me, time.Hour).Tags()
		kept[lifecycle.TagKeep] = "true"
		unused := newGroup(t, api, "unused", origin(me, time.Hour).Tags())
		young := newGroup(t, api, "young", origin(me, 0).Tags())
		mine := newGroup(t, api, "young but of this machine", origin(me, 0).Tags())
		newGroup(t, api, "foreign", nil)
		newGroup(t, api, "kept", kept)
		newGroup(t, api, "theirs", origin(other, time.Hour).Tags())
		used := newGroup(t, api, "used", origin(me, time.Hour).Tags())
		newInstance(t, api, used, lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))})
		overdue := newInstance(t, api, used, lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(-time.Minute))})
		newInstance(t, api, used, lifecycle.InstanceTags{Origin: origin(other, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(-time.Minute))})

		found, err := reap.Find(t.Context(), api, scope(mine))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{overdue, unused, mine}
		got := ids(found)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("found %v, want %v (young is %s, used is %s)", found, want, young, used)
		}
	})
}

func TestCleanDeletesInOrderAndProvesIt(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api := c.Target.EC2()
	group := newGroup(t, api, "g", origin(me, time.Hour).Tags())
	overdue := newInstance(t, api, group, lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(-time.Minute))})
	items := []reap.Item{{Kind: reap.SecurityGroup, ID: group}, {Kind: reap.Instance, ID: overdue}}
	sweep, err := reap.Clean(t.Context(), api, items, scope())
	if err != nil || len(sweep.Left) != 0 {
		t.Fatalf("left %v, error %v", sweep.Left, err)
	}
	for _, o := range sweep.Outcomes {
		if !o.Gone() {
			t.Errorf("%+v", o)
		}
	}
	again := reap.Delete(t.Context(), api, items)
	for _, o := range again {
		if !o.Gone() {
			t.Errorf("deleting what is gone: %+v", o)
		}
	}
}

func TestGroupInUseStaysAndIsNoFailure(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api := c.Target.EC2()
	group := newGroup(t, api, "g", origin(me, time.Hour).Tags())
	newInstance(t, api, group, lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))})
	outcomes := reap.Delete(t.Context(), api, []reap.Item{{Kind: reap.SecurityGroup, ID: group}})
	if len(outcomes) != 1 || !outcomes[0].InUse || outcomes[0].Err != nil {
		t.Errorf("%+v", outcomes)
	}
}
