package bootstrap

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const day = 24 * 60 * 60 // seconds

// setClock sets the machine's clock, which is that of this one, on by seconds.
func (m *machine) setClock(by int) {
	m.t.Helper()
	date, err := exec.LookPath("date")
	if err != nil {
		m.t.Skip("date is not installed")
	}
	m.write("clock", strconv.Itoa(by))
	m.write(m.bin+"/date.new", `#!/bin/sh
read -r by < "$SPAWN_ROOT/clock"
if [ "$*" = +%s ]; then echo $(($(`+date+` +%s) + by)); else exec `+date+` "$@"; fi
`)
	if out, err := exec.Command("mv", "-f", m.bin+"/date.new", m.bin+"/date").CombinedOutput(); err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
}

// TestWatchSeesTheClockSetOn has the clock of a machine without systemd set on
// by a day: its deadline has passed, and it ends.
func TestWatchSeesTheClockSetOn(t *testing.T) {
	t.Parallel()
	m := newMachine(t, (&imds{}).serve(t))
	m.setClock(0)
	timer := time.AfterFunc(time.Second, func() { m.write("clock", strconv.Itoa(day)) })
	defer timer.Stop()
	begun := time.Now()
	m.spawnDeadline(begun.Add(time.Hour), "watch")
	if took := time.Since(begun); len(m.called("power-button")) != 1 || took > 12*time.Second {
		t.Errorf("ended %d times, after %s", len(m.called("power-button")), took)
	}
}

// TestCheckAfterTheClockWasSetBack has the timer go off, and the clock say that
// it is a day too early. The timer goes by the clock, and is set again: only the
// cloud's own layer is not fooled.
func TestCheckAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	m := newMachine(t, (&imds{}).serve(t))
	m.write("run/systemd/system/.keep", "")
	m.setClock(-day)
	first := time.Now().Add(-time.Minute).Truncate(time.Second)
	m.spawnDeadline(first, "check")
	if len(m.called("power-button")) > 0 {
		t.Error("ended a day before its deadline, by its own clock")
	}
	want := "OnCalendar=" + first.Add(10*time.Second).UTC().Format(time.DateTime) + " UTC\n"
	if timer := m.read("etc/systemd/system/spawn-deadline.timer"); !strings.Contains(timer, want) {
		t.Errorf("the timer lacks %q:\n%s", want, timer)
	}
}
