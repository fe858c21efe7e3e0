//go:build unix

package e2e_test

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// deadlineOf reads an instance's deadline and what its agent says of it.
func deadlineOf(t *testing.T, api *ec2.Client, id string) (tagged, acknowledged lifecycle.Deadline) {
	t.Helper()
	tags := account.TagMap(describe(t, api, id).Tags)
	read, problems := lifecycle.ReadInstanceTags(tags)
	status, err := lifecycle.ParseStatus(tags[lifecycle.TagStatus])
	if len(problems) > 0 || err != nil {
		t.Errorf("problems %v, %v", problems, err)
	}
	return read.Deadline, status.Deadline
}

func TestManage(t *testing.T) {
	needAgents(t)
	t.Parallel()
	u := newUser(t, false)
	if r := u.try(nil, "spawn", "local", "up", "--runtime", "sandbox"); r.code != 0 {
		t.Skipf("no instance boots here: %s %s", r.stderr, u.log())
	}
	in := launched(t, u, u.do(nil, "spawn", "launch", "--local", "--instance-type", "t3.micro", "--ttl", "1h", "--name", "box", "-o", "json"))
	target, _ := u.contact().look(t)
	api := target.EC2()

	u.do(nil, "spawn", "extend", "--local", "box", "30m")
	want := lifecycle.DeadlineAt(in.Deadline.Add(30 * time.Minute))
	if tagged, acknowledged := deadlineOf(t, api, in.ID); tagged != want || acknowledged != want {
		t.Errorf("extended: tag %v, agent %v, want %v", tagged, acknowledged, want)
	}
	if r := u.try(nil, "spawn", "extend", "--local", "box", "31d"); r.code != 2 {
		t.Errorf("beyond the ceiling: exit %d", r.code)
	}
	u.do(nil, "spawn", "extend", "--local", "box", "=20m")
	shortened, acknowledged := deadlineOf(t, api, in.ID)
	if left := shortened.Left(time.Now()); shortened != acknowledged || left > 20*time.Minute || left < 18*time.Minute {
		t.Errorf("shortened: tag %v, agent %v", shortened, acknowledged)
	}

	if out := u.do(nil, "spawn", "connect", "--local", in.ID, "--", "sh", "-c", "echo kept > /usr/local/kept; id -u"); strings.TrimSpace(out) != "0" {
		t.Errorf("inside we are %q", out)
	}
	if r := u.try(nil, "spawn", "connect", "--local", "box", "--", "no-such-program"); r.code != 127 || !strings.Contains(r.stderr, "no-such-program") {
		t.Errorf("what is not there exited with %d: %s", r.code, r.stderr)
	}
	if r := u.try(nil, "spawn", "connect", "--local", "box", "--", "sh", "-c", "exit 42"); r.code != 42 {
		t.Errorf("a command that exits with 42 exited with %d", r.code)
	}

	u.do(nil, "spawn", "stop", "--local", "box")
	if got := describe(t, api, in.ID).State.Name; got != types.InstanceStateNameStopped {
		t.Errorf("stopped: %s", got)
	}
	if r := u.try(nil, "spawn", "connect", "--local", "box", "--", "true"); r.code != 1 {
		t.Errorf("a stopped instance was entered: exit %d", r.code)
	}
	u.do(nil, "spawn", "extend", "--local", "box", "10m")
	moved := lifecycle.DeadlineAt(shortened.Time().Add(10 * time.Minute))
	u.do(nil, "spawn", "start", "--local", "box")
	if got := describe(t, api, in.ID).State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("started: %s", got)
	}
	if out := u.do(nil, "spawn", "connect", "--local", "box", "--", "cat", "/usr/local/kept"); out != "kept\n" {
		t.Errorf("the disk did not survive: %q", out)
	}
	awaitAcknowledgement(t, api, in.ID, moved)

	if r := u.try(nil, "spawn", "terminate", "--local", "box"); r.code != 2 {
		t.Errorf("ended without a yes: exit %d", r.code)
	}
	if got := describe(t, api, in.ID).State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("after no yes: %s", got)
	}
	u.do(nil, "spawn", "terminate", "--local", "box", "--yes")
	if got := describe(t, api, in.ID).State.Name; got != types.InstanceStateNameTerminated {
		t.Errorf("terminated: %s", got)
	}
	u.do(nil, "spawn", "terminate", "--local", "box", "--yes") // once more is no error
	checkNothingLeft(t, u, api)
	checkDown(t, u)
}

// awaitAcknowledgement waits until the agent, after a start, says that it
// enforces the deadline that was moved while the instance was stopped.
func awaitAcknowledgement(t *testing.T, api *ec2.Client, id string, want lifecycle.Deadline) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(200 * time.Millisecond) { // a real machine is being waited for
		tagged, acknowledged := deadlineOf(t, api, id)
		if tagged == want && acknowledged == want {
			return
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("tag %v, agent %v, want %v", tagged, acknowledged, want)
		}
	}
}

// TestAnyEndpoint launches without --local: the local cloud is only an
// endpoint, named by the environment, in a region of the user's choice.
func TestAnyEndpoint(t *testing.T) {
	needAgents(t)
	t.Parallel()
	cloud := newUser(t, false)
	cloud.do(nil, "spawn", "local", "up")
	at := cloud.contact()
	u := newUser(t, false, "AWS_ENDPOINT_URL="+at.Endpoint, "AWS_ACCESS_KEY_ID="+at.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+at.SecretAccessKey)
	in := launched(t, u, u.do(nil, "spawn", "launch", "--instance-type", "t3.micro", "--region", "us-west-2", "--ttl", "10m", "--create-key", "-o", "json"))
	target, err := awsx.Connect(t.Context(), awsx.Options{Region: "us-west-2", Local: &awsx.Local{Endpoint: at.Endpoint, AccessKeyID: at.AccessKeyID, SecretAccessKey: at.SecretAccessKey}})
	if err != nil {
		t.Fatal(err)
	}
	got := describe(t, target.EC2(), in.ID)
	if aws.ToString(got.KeyName) != account.DefaultKeyName || !strings.HasPrefix(aws.ToString(got.Placement.AvailabilityZone), "us-west-2") {
		t.Errorf("key %s, zone %s", aws.ToString(got.KeyName), aws.ToString(got.Placement.AvailabilityZone))
	}
	if _, err := os.Stat(u.home + "/.ssh/id_ed25519"); err != nil {
		t.Errorf("no key was made: %v", err)
	}
	if r := u.try(nil, "spawn", "list", "-o", "json", "--region", "us-east-1"); r.code != 0 || strings.TrimSpace(r.stdout) != "[]" {
		t.Errorf("another region shows it: %s", r.stdout)
	}
	u.do(nil, "spawn", "terminate", in.ID, "--yes", "--region", "us-west-2")
}

// TestForeignArchitecture asks for an instance whose programs this machine's
// processor cannot run: that is a lack of capacity, said at once and undone.
func TestForeignArchitecture(t *testing.T) {
	needAgents(t)
	t.Parallel()
	u := newUser(t, false)
	if r := u.try(nil, "spawn", "local", "up", "--runtime", "sandbox"); r.code != 0 {
		t.Skipf("no instance boots here: %s %s", r.stderr, u.log())
	}
	foreign := map[string]string{"amd64": "t4g.micro", "arm64": "t3.micro"}[runtime.GOARCH]
	if r := u.try(nil, "spawn", "launch", "--local", "--instance-type", foreign); r.code != 5 {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	target, _ := u.contact().look(t)
	checkNothingLeft(t, u, target.EC2())
}
