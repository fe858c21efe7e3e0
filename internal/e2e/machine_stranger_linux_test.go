package e2e_test

import (
	"strings"
	"testing"
)

// stranger is somebody on an instance without root: a user whom sudo does not
// know.
const stranger = "mallory"

func (b *box) addStranger() {
	b.t.Helper()
	b.do("useradd --create-home --shell /bin/sh " + stranger)
}

// asStranger runs a script as the stranger and returns its output and exit code.
func (b *box) asStranger(script string) (string, int) {
	b.t.Helper()
	return b.try("su " + stranger + " -c '" + script + "'")
}

// askMetadata exits with 0 for whoever reaches the metadata service, which gives
// away the role.
const askMetadata = `curl -sf --max-time 3 -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token`

// strangerIsPowerless lets a user without root try to stop the agent, to end the
// instance, to keep it alive and to use its role.
func strangerIsPowerless(b *box) {
	b.t.Helper()
	pid, deadline := b.show("spored", "MainPID"), b.do("spored status -o json | grep '\"deadline\"'")
	for what, script := range map[string]string{
		"killed the agent":                "kill -KILL " + pid,
		"froze the agent":                 "kill -STOP " + pid,
		"stopped the agent's unit":        "systemctl stop spored",
		"stopped the timer":               "systemctl stop spawn-deadline.timer",
		"ended the instance":              "spored complete",
		"kept the instance alive":         "spored keepalive 30m",
		"moved the timer's deadline":      "echo 4102444800 > /var/lib/spored/deadline",
		"wrote the policy":                "echo {} > /etc/spored/policy.json",
		"replaced the agent":              "cp /bin/true /usr/local/bin/spored",
		"planted a hook":                  "mkdir -p /etc/spored/hooks.d && cp /bin/true /etc/spored/hooks.d/00",
		"took the agent's socket away":    "rm -f /run/spored/control.sock",
		"read the agent's memory of tags": "cat /var/lib/spored/policy.json",
		"reached the metadata service":    askMetadata,
		"turned the power off":            "systemctl poweroff",
	} {
		if out, code := b.asStranger(script); code == 0 {
			b.t.Errorf("a user without root %s: %s", what, out)
		}
	}
	if out, code := b.asStranger("spored status"); code != 0 {
		b.t.Errorf("a user may ask how the agent stands, and got %d: %s", code, out)
	}
	if now := b.show("spored", "MainPID"); now != pid || b.show("spored", "ActiveState") != "active" {
		b.t.Errorf("the agent was %s and is %s", pid, now)
	}
	if now := b.do("spored status -o json | grep '\"deadline\"'"); now != deadline {
		b.t.Errorf("the deadline was %s and is %s", deadline, now)
	}
}

// metadataIsRoots asks as root, who has the instance's role, and sets the guard
// as a launch with a shared role does: then everybody has it.
func metadataIsRoots(b *box) {
	b.t.Helper()
	if mark := b.do("cat /run/spored/metadata"); !strings.HasPrefix(mark, "root by ") {
		b.t.Fatalf("this kernel's firewall does not keep the metadata service for root: %s", mark)
	}
	b.do(askMetadata)
	b.do("sed 's/^share=no/share=yes/' $(command -v spawn-metadata) > /tmp/share && sh /tmp/share && grep -qx shared /run/spored/metadata")
	if out, code := b.asStranger(askMetadata); code != 0 {
		b.t.Errorf("the role is shared, and a user does not reach the metadata service: %s", out)
	}
	b.do("spawn-metadata")
	if out, code := b.asStranger(askMetadata); code == 0 {
		b.t.Errorf("the guard was set again, and a user reaches the metadata service: %s", out)
	}
}

// plantLink has the stranger put a link to a file of root's where the warning
// goes. The agent's first warning is there already, and theirs to replace by no
// means: root clears the place for them.
func (b *box) plantLink() {
	b.t.Helper()
	b.do("echo kept > /etc/victim && rm -f /tmp/SPAWN_WARNING")
	if out, code := b.asStranger("ln -s /etc/victim /tmp/SPAWN_WARNING"); code != 0 {
		b.t.Fatalf("exit %d: %s", code, out)
	}
}

// linkWentNowhere looks at what the warning did to the link.
func (b *box) linkWentNowhere() {
	b.t.Helper()
	if got := b.do("cat /etc/victim; stat -c '%F %U %a' /tmp/SPAWN_WARNING"); got != "kept\nregular file root 644" {
		b.t.Errorf("after the warning the link's end and its place are %q", got)
	}
}

// hostileTags are data: they move nothing, run nothing and stop nobody.
func hostileTags(t *testing.T, b *box) {
	pid, before := b.show("spored", "MainPID"), b.deadline()
	run := "$(touch /tmp/owned)`touch /tmp/owned`;touch /tmp/owned"
	b.tag(map[string]string{
		"spawn:deadline": run, "spawn:ttl": strings.Repeat("🦀", 256), "spawn:idle-timeout": "-1s' OR 1=1 --",
		"spawn:idle-cpu": "1e999", "spawn:idle-action": "../../bin/sh", "spawn:spot-request": run,
	})
	b.await("the agent ignores a tag", pollPatience, "grep -q 'a tag is ignored.*spawn:deadline' /var/log/spored.log")
	b.do("systemctl start spawn-deadline-arm.service") // the timer's script reads what there is, too
	if out, code := b.try("ls /tmp/owned"); code == 0 {
		t.Errorf("a tag was run: %s", out)
	}
	if now := b.show("spored", "MainPID"); now != pid {
		t.Errorf("the agent %s became %s\n%s", pid, now, b.journal())
	}
	at := itoa(before.Unix())
	if got := b.do(`date -d "$(spored status -o json | sed -n 's/.*"deadline": *"\([^"]*\)".*/\1/p' | head -n 1)" +%s`); got != at {
		t.Errorf("the deadline was %s and is %s", at, got)
	}
	b.tag(map[string]string{"spawn:deadline": before.UTC().Format("2006-01-02T15:04:05Z")})
}
