package crash_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/agentbin"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// stage is an account of its own, with things in it that are not ours, and the
// user who runs spawn there.
type stage struct {
	cloudtest.Cloud
	user     *awsx.Target
	foreign  listing // what was there before spawn
	userARN  string
	key, pwd string // of the user
}

// everything lets the user do what an administrator may.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func newStage(t *testing.T, defaultVPC bool) *stage {
	t.Helper()
	needAgents(t)
	s := &stage{Cloud: cloudtest.Local(t, nil)}
	if !defaultVPC {
		withoutDefaultVPC(t, s.Target.EC2())
	}
	s.user = cloudtest.As(t, s.Cloud, everything)
	who, err := account.Identify(t.Context(), account.STSOf(s.user))
	if err != nil {
		t.Fatal(err)
	}
	config := s.user.Config()
	found, err := config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.userARN, s.key, s.pwd = who.ARN, found.AccessKeyID, found.SecretAccessKey
	plant(t, s.Cloud)
	s.foreign = list(t, s.Cloud)
	return s
}

// needAgents skips where spawn was built without the programs that it embeds.
func needAgents(t *testing.T) {
	t.Helper()
	if _, err := agentbin.For("x86_64"); err != nil {
		t.Skipf("the agents are not built: %v (make test builds them first)", err)
	}
}

// withoutDefaultVPC deletes the default VPC, as somebody has in many an account.
func withoutDefaultVPC(t *testing.T, api *ec2.Client) {
	t.Helper()
	ctx := t.Context()
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	if err != nil || len(vpcs.Vpcs) != 1 {
		t.Fatalf("%v, %v", vpcs, err)
	}
	vpc := vpcs.Vpcs[0].VpcId
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	for _, sub := range subnets.Subnets {
		_, e := api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: sub.SubnetId})
		err = errors.Join(err, e)
	}
	gateways, e := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	err = errors.Join(err, e)
	for _, g := range gateways.InternetGateways {
		_, detach := api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: vpc})
		_, remove := api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
		err = errors.Join(err, detach, remove)
	}
	_, e = api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: vpc})
	if err := errors.Join(err, e); err != nil {
		t.Fatal(err)
	}
}

// machine is a computer on which the user runs spawn: its files.
type machine struct {
	*stage
	home string
}

func (s *stage) machine(t *testing.T) machine {
	t.Helper()
	return machine{s, t.TempDir()}
}

// command is spawn with arguments, as a process of its own.
func (m machine) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = []string{
		asSpawn + "=1", "GOMAXPROCS=2", "PATH=" + os.Getenv("PATH"), "HOME=" + m.home,
		"XDG_STATE_HOME=" + filepath.Join(m.home, "state"), "XDG_CACHE_HOME=" + filepath.Join(m.home, "cache"), "XDG_CONFIG_HOME=" + filepath.Join(m.home, "config"),
		"AWS_ENDPOINT_URL=" + m.Target.Endpoint, "AWS_REGION=" + m.Target.Region,
		"AWS_ACCESS_KEY_ID=" + m.key, "AWS_SECRET_ACCESS_KEY=" + m.pwd,
	}
	if runtime.GOOS == "windows" {
		cmd.Env = append(cmd.Env, "USERPROFILE="+m.home, "SystemRoot="+os.Getenv("SystemRoot"))
	}
	return cmd
}

// run runs spawn to its end and returns what it said and its error.
func (m machine) run(t *testing.T, args ...string) (said string, err error) {
	t.Helper()
	cmd := m.command(t, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// must runs spawn, which must succeed.
func (m machine) must(t *testing.T, args ...string) string {
	t.Helper()
	said, err := m.run(t, args...)
	if err != nil {
		t.Fatalf("spawn %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return said
}

// journals are the names of the journals that this machine keeps of launches
// that are neither finished nor undone.
func (m machine) journals(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.home, "state", "spawn", "launches", "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// pass lets cloud time go by, and waits for the machines that were told to end
// meanwhile.
func (s *stage) pass(t *testing.T, d time.Duration) {
	t.Helper()
	if err := s.Local.Clock().Advance(d); err != nil {
		t.Fatal(err)
	}
	var ending []string
	for _, in := range s.launched(t) {
		if in.State == lifecycle.StateShuttingDown {
			ending = append(ending, in.ID)
		}
	}
	if len(ending) == 0 {
		return
	}
	wait := ec2.NewInstanceTerminatedWaiter(s.Target.EC2(), func(o *ec2.InstanceTerminatedWaiterOptions) { o.MinDelay = time.Millisecond })
	if err := wait.Wait(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ending}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// plant puts things into the account that no cleanup may touch: some without
// our tags, some of another owner's that live.
func plant(t *testing.T, c cloudtest.Cloud) {
	t.Helper()
	ctx, api := t.Context(), c.Target.EC2()
	vpc, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	subnet, err := api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.1.0.0/24")})
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: gateway.InternetGateway.InternetGatewayId, VpcId: vpc.Vpc.VpcId}); err != nil {
		t.Fatal(err)
	}
	for _, tags := range []map[string]string{
		nil,
		{"spawn:managed": "false"},
		{"spawn:managed": "true", "spawn:keep": "true"},
		{"spawn:managed": "true", "spawn:owner": "arn:aws:iam::123456789012:user/somebody-else", "spawn:deadline": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)},
	} {
		plantOne(t, api, vpc.Vpc.VpcId, subnet.Subnet.SubnetId, tags)
	}
}

func plantOne(t *testing.T, api *ec2.Client, vpc, subnet *string, tags map[string]string) {
	t.Helper()
	ctx := t.Context()
	var groupTags, instanceTags []types.TagSpecification
	if len(tags) > 0 {
		groupTags = []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: account.EC2Tags(tags)}}
		instanceTags = []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags)},
			{ResourceType: types.ResourceTypeVolume, Tags: account.EC2Tags(tags)},
		}
	}
	name := aws.String("planted-" + tags["spawn:managed"] + tags["spawn:keep"] + tags["spawn:deadline"])
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{VpcId: vpc, GroupName: name, Description: name, TagSpecifications: groupTags})
	if err != nil {
		t.Fatal(err)
	}
	out, err := api.RunInstances(ctx, &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro, SubnetId: subnet, SecurityGroupIds: []string{aws.ToString(group.GroupId)},
		ImageId:           aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		TagSpecifications: instanceTags,
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{aws.ToString(out.Instances[0].InstanceId)}
	if err := ec2.NewInstanceRunningWaiter(api, func(o *ec2.InstanceRunningWaiterOptions) { o.MinDelay = time.Millisecond }).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute); err != nil {
		t.Fatal(err)
	}
}
