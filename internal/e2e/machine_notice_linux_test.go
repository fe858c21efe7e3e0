package e2e_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// spotNotice announces the end of a Spot instance to it: its hooks run, once,
// and at once.
func spotNotice(t *testing.T, s *site) {
	b := s.launch(t, "spot", "--spot", "--ttl", "30m")
	if took := b.notice(t); took > 10*time.Second { // with room for a busy host; make bench measures it
		t.Errorf("the hook ran %v after the notice", took)
	}
	time.Sleep(12 * time.Second) // real time: the notice is read again and again
	if got := b.do("cat /var/tmp/noticed"); lineCount(got) != 1 {
		t.Errorf("the hook ran more than once: %q\n%s", got, b.journal())
	}
}

// notice announces an interruption and returns how long it took until a hook ran.
func (b *box) notice(t testing.TB) time.Duration {
	t.Helper()
	b.do(`mkdir -p /etc/spored/hooks.d && printf '#!/bin/sh\ndate +%%s.%%N >> /var/tmp/noticed\n' > /etc/spored/hooks.d/10-notice && chmod 755 /etc/spored/hooks.d/10-notice`)
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
