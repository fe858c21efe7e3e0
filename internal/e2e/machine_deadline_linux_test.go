package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// timer is when the machine's systemd will end it, in seconds since 1970.
const timer = `date -d "$(systemctl show --value -p NextElapseUSecRealtime spawn-deadline.timer)" +%s`

// deadline is that of the instance's tag.
func (b *box) deadline() time.Time {
	b.t.Helper()
	tags, problems := lifecycle.ReadInstanceTags(account.TagMap(b.describe().Tags))
	if len(problems) > 0 {
		b.t.Errorf("the instance's tags: %v", problems)
	}
	return tags.Deadline.Time()
}

// acknowledged is the deadline that the agent said it watches.
func (b *box) acknowledged() time.Time {
	b.t.Helper()
	status, err := lifecycle.ParseStatus(account.TagMap(b.describe().Tags)[lifecycle.TagStatus])
	if err != nil {
		b.t.Errorf("the agent's status: %v", err)
	}
	return status.Deadline.Time()
}

// checkDeadline says whether the tag, the agent and the timer agree.
func (b *box) checkDeadline(want time.Time) {
	b.t.Helper()
	b.await("the agent is up", 30*time.Second, "systemctl is-active --quiet spored")
	for end := time.Now().Add(40 * time.Second); !b.acknowledged().Equal(want); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("the agent watches %v, not %v\n%s", b.acknowledged(), want, b.journal())
		}
	}
	if got := b.deadline(); !got.Equal(want) {
		b.t.Errorf("the tag says %v, not %v", got, want)
	}
	at := want.Add(10 * time.Second).Unix() // spored's own call comes first
	b.await("the timer is set for the deadline", 10*time.Second, `[ "$(`+timer+`)" = `+itoa(at)+` ]`)
}

// stopAndStart stops an instance and starts it: the same disk, the same end.
func stopAndStart(t *testing.T, s *site) {
	b := s.launch(t, "stopped", "--ttl", "20m")
	b.checkDeadline(b.Deadline)
	b.do("echo kept > /var/kept; cat /proc/sys/kernel/random/boot_id > /dev/null")
	b.spawn("stop")
	b.awaitState(types.InstanceStateNameStopped, 60*time.Second)
	b.spawn("start")
	b.awaitState(types.InstanceStateNameRunning, 60*time.Second)
	b.await("the disk is the same", 30*time.Second, "[ $(cat /var/kept) = kept ]")
	b.checkDeadline(b.Deadline)
}

// extendStopped moves the deadline while there is nobody to hear of it.
func extendStopped(t *testing.T, s *site) {
	b := s.launch(t, "extended", "--ttl", "20m")
	b.spawn("stop")
	b.awaitState(types.InstanceStateNameStopped, 60*time.Second)
	b.spawn("extend", "1h")
	moved := b.deadline()
	if !moved.Equal(b.Deadline.Add(time.Hour)) {
		t.Fatalf("an hour more than %v is %v", b.Deadline, moved)
	}
	b.spawn("start")
	b.awaitState(types.InstanceStateNameRunning, 60*time.Second)
	b.checkDeadline(moved)
	extendWithoutTags(t, b)
}

// extendWithoutTags extends an instance whose metadata does not show its tags:
// its agent, just started, has never seen them there.
func extendWithoutTags(t *testing.T, b *box) {
	_, err := b.site.api.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{
		InstanceId: aws.String(b.ID), InstanceMetadataTags: types.InstanceMetadataTagsStateDisabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do("systemctl restart spored")
	before := b.deadline()
	b.spawn("extend", "1h")
	b.checkDeadline(before.Add(time.Hour))
}

// pastDeadline starts an instance after its end.
func pastDeadline(t *testing.T, s *site) {
	b := s.launch(t, "past", "--ttl", "60s")
	b.spawn("stop")
	b.awaitState(types.InstanceStateNameStopped, time.Until(b.Deadline))
	time.Sleep(time.Until(b.Deadline.Add(15 * time.Second))) // real time: its end must be past
	if state := b.describe().State.Name; state != types.InstanceStateNameStopped {
		t.Fatalf("a stopped instance is %s: only the cloud's own schedule may end it, ten minutes later", state)
	}
	begun := time.Now()
	// By another hand than spawn's, which refuses it.
	if _, err := s.api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{b.ID}}); err != nil {
		t.Fatal(err)
	}
	ended := b.awaitState(types.InstanceStateNameTerminated, 60*time.Second)
	t.Logf("ended %v after it was started, disk deleted", time.Since(begun).Round(100*time.Millisecond))
	if code := aws.ToString(ended.StateReason.Code); !strings.HasPrefix(code, "Client.") {
		t.Errorf("it ended with %s: not by itself", code)
	}
}
