package e2e_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestMachine launches instances that really boot, with systemd and cloud-init,
// and lets them live. It needs what make e2e makes.
func TestMachine(t *testing.T) {
	needAgents(t)
	s := newSite(t)
	t.Run("together", func(t *testing.T) {
		tests := idleTests()
		maps.Copy(tests, faultTests())
		maps.Copy(tests, map[string]func(*testing.T, *site){
			"the agent is up, killed, and frozen":          agentUnderSystemd,
			"without an agent the timer ends the instance": timerAlone,
			"users are warned and have no power":           userIsWarned,
			"stop and start keep the deadline":             stopAndStart,
			"a deadline moved while stopped holds":         extendStopped,
			"without the API the agent powers off":         powerOff,
			"a past deadline ends at boot":                 pastDeadline,
			"each notice is told once":                     notices,
		})
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s)
			})
		}
	})
}

// agentUnderSystemd looks at the agent as systemd sees it, kills it and
// freezes it.
func agentUnderSystemd(t *testing.T, s *site) {
	b := s.launch(t, "agent", "--ttl", "30m")
	for property, want := range map[string]string{"Type": "notify", "ActiveState": "active", "SubState": "running", "Restart": "always", "NRestarts": "0", "UnitFileState": "enabled"} {
		if got := b.show("spored", property); got != want {
			t.Errorf("%s of the agent is %s, not %s", property, got, want)
		}
	}
	if got := b.show("spored", "WatchdogUSec"); got != "2min" {
		t.Errorf("the watchdog waits %s", got)
	}
	if failed := b.do("systemctl --failed --plain --no-legend"); failed != "" {
		t.Errorf("units have failed:\n%s", failed)
	}

	// Both places have the same lines, of the agent's own.
	b.await("the log's file has what the journal has", 10*time.Second, `journalctl --no-pager -o cat -u spored | grep ^time= > /tmp/journal && test -s /tmp/journal && cmp /tmp/journal /var/log/spored.log`)
	hostileTags(t, b)

	first := b.show("spored", "MainPID")
	b.do("kill -KILL " + first)
	b.await("the agent is active again", 10*time.Second, `[ "$(systemctl show --value -p ActiveState spored)" = active ] && [ "$(systemctl show --value -p NRestarts spored)" = 1 ]`)

	// The unit as it is, but with less patience: nobody waits two minutes.
	b.do(`mkdir -p /run/systemd/system/spored.service.d &&
		printf '[Service]\nWatchdogSec=30s\n' > /run/systemd/system/spored.service.d/watchdog.conf &&
		systemctl daemon-reload && systemctl restart spored`)
	b.await("a shorter watchdog", 5*time.Second, `[ "$(systemctl show --value -p WatchdogUSec spored)" = 30s ]`)
	time.Sleep(35 * time.Second) // real time: the watchdog must not bite an agent that works
	pid := b.show("spored", "MainPID")
	if got := b.show("spored", "NRestarts"); got != "0" {
		t.Errorf("the watchdog bit a healthy agent %s times\n%s", got, b.journal())
	}
	b.do("kill -STOP " + pid)
	b.await("the watchdog has bitten", 50*time.Second, `[ "$(systemctl show --value -p MainPID spored)" != `+pid+` ] && [ "$(systemctl show --value -p ActiveState spored)" = active ]`)
	if log := b.do("journalctl --no-pager -u spored"); !strings.Contains(log, "Watchdog timeout") {
		t.Errorf("the watchdog did not bite:\n%s", log)
	}
	workIsDone(t, b)
}

// workIsDone has the workload say that it is done: the hooks run, then the
// instance ends itself. What a hook did is on the console, which outlives it.
func workIsDone(t *testing.T, b *box) {
	b.do(`mkdir -p /etc/spored/hooks.d && printf '#!/bin/sh\necho "a hook saves the work" > /dev/console\n' > /etc/spored/hooks.d/10-save && chmod 755 /etc/spored/hooks.d/10-save`)
	b.do("spored complete --status ok")
	ended := b.awaitState(types.InstanceStateNameTerminated, time.Minute)
	if got := aws.ToString(ended.StateReason.Code); got != byItsAgent {
		t.Errorf("it ended with %s: not by its agent's own call", got)
	}
	if console := b.console(); !strings.Contains(console, "a hook saves the work") {
		t.Errorf("no hook ran before the end:\n%s", console)
	}
}

// timerAlone deletes the agent's program and kills the agent: its unit fails, and
// the operating system's timer is all that is left of the deadline.
func timerAlone(t *testing.T, s *site) {
	b := s.launch(t, "alone", "--ttl", "75s")
	b.do("rm -f /usr/local/bin/spored; kill -KILL $(systemctl show --value -p MainPID spored)")
	b.await("systemd cannot start it again", 10*time.Second, `[ "$(systemctl show --value -p ExecMainStatus spored)" = 203 ] && ! pidof spored`)
	if next := b.do("systemctl show --value -p NextElapseUSecRealtime spawn-deadline.timer; date -u -d @" + strconv.FormatInt(b.Deadline.Unix()+10, 10)); lineCount(next) != 2 {
		t.Errorf("the timer says %q", next)
	}
	b.endsWithin(b.Deadline, 40*time.Second, byItsSystem)
}

// powerOff leaves the agent without an API to ask, and the instance without the
// operating system's timer: from its confined unit the agent turns the power off.
func powerOff(t *testing.T, s *site) {
	b := s.launch(t, "powerless", "--ttl", "75s")
	b.do("systemctl disable --now --quiet spawn-deadline.timer spawn-deadline.path; echo AWS_ENDPOINT_URL=http://127.0.0.1:9 > /etc/spored/environment; systemctl restart spored")
	b.endsWithin(b.Deadline, 40*time.Second, byItsSystem)
}

func lineCount(s string) int { return len(strings.Split(strings.TrimSpace(s), "\n")) }
