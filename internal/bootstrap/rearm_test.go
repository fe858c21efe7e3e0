package bootstrap

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestArmSeesADeadlineThatMovesMeanwhile moves the deadline while systemd is
// told about the one before: nobody else would notice, because systemd does not
// watch the file while the unit runs that it starts for it.
func TestArmSeesADeadlineThatMovesMeanwhile(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.write("run/systemd/system/.keep", "")
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	m.write(m.bin+"/systemctl", fmt.Sprintf("#!/bin/sh\necho %d > '%s/var/lib/spored/deadline'\n", at.Add(-time.Minute).Unix(), m.root))
	m.spawnDeadline(at, "arm")
	want := "OnCalendar=" + at.Add(-time.Minute+10*time.Second).UTC().Format(time.DateTime) + " UTC\n"
	if timer := m.read("etc/systemd/system/spawn-deadline.timer"); !strings.Contains(timer, want) {
		t.Errorf("the timer lacks %q:\n%s", want, timer)
	}
}
