package e2e_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// idleTimeout is as short as a test can have it: long enough for the agent to
// see the tag and for its warnings.
const idleTimeout = time.Minute

// endsByNow is when an idle instance must have ended, after it was told how long
// it may be idle: the tag is seen within 30 s, and the sample that proves it is
// taken within another 30 s.
const endsByNow = idleTimeout + 75*time.Second

// mayBeIdle tells the agent by tag how long the instance may be idle.
func (b *box) mayBeIdle() {
	b.t.Helper()
	b.tag(map[string]string{
		lifecycle.TagIdleTimeout: lifecycle.FormatDuration(idleTimeout),
		lifecycle.TagIdleAction:  string(lifecycle.Terminate),
	})
}

// idleTests are what must end an instance for idleness, and what must not.
func idleTests() map[string]func(*testing.T, *site) {
	return map[string]func(*testing.T, *site){
		"an instance in silence ends": func(t *testing.T, s *site) {
			b := s.launch(t, "silent", "--ttl", "30m")
			endsIdle(b)
		},
		"a detached tmux is silence": func(t *testing.T, s *site) {
			b := s.launch(t, "detached", "--ttl", "30m")
			b.do("su - ec2-user -c \"tmux new-session -d 'while sleep 5; do date; done'\"")
			b.do("su - ec2-user -c 'tmux list-sessions'")
			endsIdle(b)
		},
		// As a container has it: namespaces of its own, and on the host's processors.
		"a container's load is use": func(t *testing.T, s *site) {
			b := s.launch(t, "cpu", "--ttl", "30m")
			b.do("setsid unshare --fork --pid --mount-proc --net --ipc --uts sh -c 'while :; do i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; sleep 0.1; done' > /dev/null 2>&1 < /dev/null &")
			staysFor(b, "cpu")
		},
		"traffic is use": func(t *testing.T, s *site) {
			b := s.launch(t, "network", "--ttl", "30m")
			if s.how.Gateway(b.ID) == "" {
				t.Skip("this kernel makes no pair of interfaces (veth): there is no network to use")
			}
			b.do("gateway=$(ip route | awk '$3 == \"ens5\" {print $1; exit}'); setsid bash -c \"while sleep 1; do head -c 1400 /dev/zero > /dev/udp/$gateway/9; done\" > /dev/null 2>&1 < /dev/null &")
			staysFor(b, "network")
		},
		"a typed key is use": func(t *testing.T, s *site) {
			b := s.launch(t, "keyboard", "--ttl", "30m")
			b.await("the SSH server is up", 20*time.Second, "ss -Hltn 'sport = :22' | grep -q .")
			shell := b.open()
			ctx, cancel := context.WithCancel(t.Context())
			typed := make(chan struct{})
			go func() {
				defer close(typed)
				for every := time.NewTicker(10 * time.Second); ; {
					select {
					case <-ctx.Done():
						every.Stop()
						return
					case <-every.C:
						_, _ = shell.keys.Write([]byte(" ")) // the test fails by itself when the session has ended
					}
				}
			}()
			defer func() { cancel(); <-typed }()
			staysFor(b, "keyboard")
		},
	}
}

// endsIdle waits until the instance has ended itself for idleness, and neither
// before its time nor without a warning, however short its timeout has become.
func endsIdle(b *box) {
	b.t.Helper()
	begun := time.Now()
	b.mayBeIdle()
	var last string
	warned := false
	for asked := begun; b.describe().State.Name == types.InstanceStateNameRunning && time.Since(begun) < endsByNow; time.Sleep(200 * time.Millisecond) {
		if time.Since(asked) < 10*time.Second { // to ask is a little work, too
			continue
		}
		asked = time.Now()
		if out, code := b.try("spored status -o json; cat /tmp/SPAWN_WARNING 2> /dev/null || true"); code == 0 {
			last = out
			warned = warned || strings.Contains(out, "because nobody uses it")
		}
	}
	ended := b.describe()
	if ended.State.Name == types.InstanceStateNameRunning {
		b.t.Fatalf("it still runs after %v; its agent: %s\n%s", time.Since(begun), last, b.journal())
	}
	ended = b.awaitState(types.InstanceStateNameTerminated, 30*time.Second)
	took := time.Since(begun).Round(100 * time.Millisecond)
	b.t.Logf("ended %v after it was told that it may be idle for %v", took, idleTimeout)
	if took < idleTimeout/2 || time.Now().After(b.Deadline) {
		b.t.Errorf("it ended after %v: too early for its idleness, or by its deadline", took)
	}
	if got := aws.ToString(ended.StateReason.Code); got != "Client.UserInitiatedShutdown" {
		b.t.Errorf("it ended with %s: not by its agent's own call", got)
	}
	if !warned {
		b.t.Errorf("nobody was warned of it; the agent said at last: %s", last)
	}
}

// staysFor lets an instance be used in one way for longer than an idle one
// lives, and wants to hear from its agent why it is not idle.
func staysFor(b *box, sensor string) {
	b.t.Helper()
	b.mayBeIdle()
	time.Sleep(endsByNow) // real time: an idle one has ended by now
	if state := b.describe().State.Name; state != types.InstanceStateNameRunning {
		b.t.Fatalf("a busy instance is %s\n%s", state, b.console())
	}
	var status struct {
		Signals []struct {
			Name   string `json:"name"`
			Active bool   `json:"active"`
			Detail string `json:"detail"`
		} `json:"signals"`
	}
	text := b.do("spored status -o json")
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		b.t.Fatalf("%v: %s", err, text)
	}
	for _, signal := range status.Signals {
		if signal.Active != (signal.Name == sensor) {
			b.t.Errorf("in use by its %s, and the agent says active=%t of %s: %s", sensor, signal.Active, signal.Name, signal.Detail)
		}
	}
}
