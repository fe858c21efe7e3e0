package e2e_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// notices gives a Spot Instance all that EC2 announces. Each is told once, however
// often it is read, and after a restart of the agent too; hooks are for the
// interruption alone, and run once and at once.
func notices(t *testing.T, s *site) {
	b := s.launch(t, "spot", "--spot", "--ttl", "30m")
	b.plantHook()
	_, control := s.user.contact().look(t)
	defer control.Close()
	for _, e := range []fault.Event{
		{Kind: fault.Rebalance, Instance: b.ID},
		{Kind: fault.Scheduled, Instance: b.ID, Action: "system-reboot", In: 24 * time.Hour},
	} {
		if err := control.Inflict(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	b.await("both are told", 80*time.Second, "grep -q 'more likely' /tmp/SPAWN_WARNING && grep -q 'scheduled for this instance: system-reboot' /tmp/SPAWN_WARNING")
	if out, code := b.try("cat /var/tmp/noticed"); code == 0 {
		t.Errorf("hooks ran before a recommendation or maintenance: %s", out)
	}
	if took := b.notice(t); took > 10*time.Second { // with room for a busy host; make bench measures it
		t.Errorf("the hook ran %v after the notice", took)
	}
	b.do("systemctl restart spored")
	time.Sleep(65 * time.Second) // real time: all notices are read again, the slowest once a minute
	if got := b.do("cat /var/tmp/noticed"); lineCount(got) != 1 {
		t.Errorf("the hook ran more than once: %q\n%s", got, b.journal())
	}
	for _, kind := range []string{"rebalance", "scheduled event", "spot interruption"} {
		if got := b.do("grep -c 'msg=decided action=warn cause=\"*" + kind + "' /var/log/spored.log"); got != "1" {
			t.Errorf("the %s was told %s times\n%s", kind, got, b.journal())
		}
	}
}

// plantHook lets the time of each run of the hooks be written down.
func (b *box) plantHook() {
	b.t.Helper()
	b.do(`mkdir -p /etc/spored/hooks.d && printf '#!/bin/sh\ndate +%%s.%%N >> /var/tmp/noticed\n' > /etc/spored/hooks.d/10-notice && chmod 755 /etc/spored/hooks.d/10-notice`)
}

// notice announces an interruption and returns how long it took until a hook ran.
func (b *box) notice(t testing.TB) time.Duration {
	t.Helper()
	b.plantHook()
	_, control := b.site.user.contact().look(t)
	defer control.Close()
	announced := time.Now()
	if err := control.Inflict(t.Context(), fault.Event{Kind: fault.SpotNotice, Instance: b.ID, In: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	b.await("a hook has run", 40*time.Second, "test -s /var/tmp/noticed")
	first, _, _ := strings.Cut(b.do("cat /var/tmp/noticed"), "\n")
	at, err := strconv.ParseFloat(first, 64)
	if err != nil {
		t.Fatal(fmt.Errorf("the hook wrote %q: %w", first, err))
	}
	return time.Duration((at - float64(announced.UnixNano())/1e9) * float64(time.Second))
}
