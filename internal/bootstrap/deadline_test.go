package bootstrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const deadlineTag = "tags/instance/spawn:deadline"

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// TestCheck lets the timer go off under all circumstances.
func TestCheck(t *testing.T) {
	now := time.Now()
	past, later := now.Add(-time.Minute), now.Add(time.Hour)
	for name, c := range map[string]struct {
		first time.Time
		moved string // what is in spored's file; "" if there is none
		paths map[string]string
		ends  bool
	}{
		"past":                             {first: past, ends: true},
		"not yet":                          {first: later},
		"a later tag":                      {first: past, paths: map[string]string{deadlineTag: rfc3339(later)}},
		"a later tag in another zone":      {first: past, paths: map[string]string{deadlineTag: later.In(time.FixedZone("", 7200)).Format(time.RFC3339)}},
		"an earlier tag":                   {first: past, paths: map[string]string{deadlineTag: rfc3339(past.Add(-time.Hour))}, ends: true},
		"a later tag that is past as well": {first: past.Add(-time.Hour), paths: map[string]string{deadlineTag: rfc3339(past)}, ends: true},
		"a garbage tag":                    {first: past, paths: map[string]string{deadlineTag: "tomorrow"}, ends: true},
		"a tag that date might read":       {first: past, paths: map[string]string{deadlineTag: "now + 1 year"}, ends: true},
		"a tag with a command":             {first: past, paths: map[string]string{deadlineTag: "$(poweroff)`poweroff`; poweroff"}, ends: true},
		"a huge tag":                       {first: past, paths: map[string]string{deadlineTag: strings.Repeat("9", 1<<20)}, ends: true},
		"an impossible date":               {first: past, paths: map[string]string{deadlineTag: "2099-19-39T29:59:59Z"}, ends: true},
		"spored moved it later":            {first: past, moved: epoch(later)},
		"spored moved it earlier":          {first: later, moved: epoch(past), ends: true},
		"spored moved it, then a tag":      {first: now.Add(-time.Hour), moved: epoch(past), paths: map[string]string{deadlineTag: rfc3339(later)}},
		"garbage in spored's file":         {first: past, moved: "99999999999999999999999", ends: true},
		"nothing in spored's file":         {first: past, moved: "\n", ends: true},
		"a disk of another instance":       {first: past, paths: map[string]string{"instance-id": "i-0another"}},
		"a disk of this instance":          {first: past, paths: map[string]string{"instance-id": "i-0abc"}, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, (&imds{paths: c.paths}).serve(t))
			m.write("etc/spored/instance", "i-0abc\n")
			if c.moved != "" {
				m.write("var/lib/spored/deadline", c.moved+"\n")
			}
			m.spawnDeadline(c.first, "check")
			if ended := len(m.called("power-button")) > 0; ended != c.ends {
				t.Errorf("ended: %t, want %t", ended, c.ends)
			}
			if len(m.called("poweroff"))+len(m.called("systemctl")) > 0 {
				t.Error("the injected power switch was not the only one used")
			}
		})
	}
}

// TestCheckWithoutMetadata must end the instance, and soon.
func TestCheckWithoutMetadata(t *testing.T) {
	for name, c := range map[string]struct {
		silent  bool
		without []string
		bound   time.Duration
	}{
		"nobody there":            {false, nil, 4 * time.Second},
		"silent":                  {true, nil, 5 * time.Second},
		"nobody there, no curl":   {false, []string{"curl"}, 8 * time.Second},
		"silent, and no curl":     {true, []string{"curl"}, 8 * time.Second},
		"no curl and no timeouts": {true, []string{"curl", "timeout"}, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "http://127.0.0.1:1"
			if c.silent {
				url = (&imds{silent: true}).serve(t)
			}
			m := newMachine(t, url, c.without...)
			m.withPython()
			begun := time.Now()
			m.spawnDeadline(begun.Add(-20*time.Second), "check")
			if len(m.called("power-button")) == 0 {
				t.Error("the instance lives on")
			}
			if took := time.Since(begun); took > c.bound {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestCheckWithoutCurl reads the tag with Python.
func TestCheckWithoutCurl(t *testing.T) {
	t.Parallel()
	m := newMachine(t, (&imds{paths: map[string]string{deadlineTag: rfc3339(time.Now().Add(time.Hour))}}).serve(t), "curl")
	m.withPython()
	m.spawnDeadline(time.Now().Add(-time.Hour), "check")
	if len(m.called("power-button")) > 0 {
		t.Error("a later deadline was proved, and the instance ended")
	}
}

// TestPatienceAtBoot has metadata that comes up seconds after the machine,
// with the news that the deadline was moved while it was stopped.
func TestPatienceAtBoot(t *testing.T) {
	for name, c := range map[string]struct {
		uptime string
		late   time.Duration
	}{
		"at boot":                      {"12.34 5.67\n", 20 * time.Second},
		"at boot, long past":           {"12.34 5.67\n", time.Hour},
		"resumed from hibernation":     {"86400.34 5.67\n", time.Hour},
		"no uptime, and the same late": {"", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := &imds{silent: true, paths: map[string]string{deadlineTag: rfc3339(time.Now().Add(time.Hour))}}
			m := newMachine(t, service.serve(t))
			m.write("proc/uptime", c.uptime)
			timer := time.AfterFunc(3*time.Second, func() { service.set(func(i *imds) { i.silent = false }) })
			defer timer.Stop()
			m.spawnDeadline(time.Now().Add(-c.late), "check")
			if len(m.called("power-button")) > 0 {
				t.Error("a later deadline was proved, and the instance ended")
			}
		})
	}
}

// TestCheckOnAFullDisk proves a later deadline that cannot be written where
// spored writes it.
func TestCheckOnAFullDisk(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	m := newMachine(t, (&imds{paths: map[string]string{deadlineTag: rfc3339(later)}}).serve(t))
	m.write("var/lib/spored/deadline", epoch(time.Now().Add(-time.Minute))+"\n")
	if err := os.Symlink("/dev/full", filepath.Join(m.root, "var/lib/spored/deadline.new")); err != nil {
		t.Fatal(err)
	}
	m.spawnDeadline(time.Now().Add(-time.Hour), "check")
	if len(m.called("power-button")) > 0 {
		t.Error("a later deadline was proved, and the instance ended")
	}

	// What spored writes when the disk has room again counts.
	time.Sleep(20 * time.Millisecond) // files tell their age to the kernel's tick
	m.write("var/lib/spored/deadline", epoch(time.Now().Add(-time.Minute))+"\n")
	m.metadata = (&imds{}).serve(t)
	m.spawnDeadline(time.Now().Add(-time.Hour), "check")
	if len(m.called("power-button")) == 0 {
		t.Error("spored moved the deadline nearer, and it passed, and the instance lives on")
	}
}

// TestArmOnADiskThatHasFilled moves a timer that was armed while the disk had
// room. What is in /etc goes before what is below /run, and cannot be changed.
func TestArmOnADiskThatHasFilled(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.write("run/systemd/system/.keep", "")
	first := time.Now().Add(time.Hour).Truncate(time.Second)
	m.spawnDeadline(first, "arm")
	const again = "run/systemd/system/spawn-deadline.timer.d/time.conf"
	if got := m.read(again); got != "" {
		t.Errorf("a disk with room, and %s is %q", again, got)
	}
	full := filepath.Join(m.root, "etc/systemd/system/spawn-deadline.timer.new")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	moved := first.Add(time.Hour)
	m.write("run/spored/deadline", epoch(moved)+"\n")
	m.spawnDeadline(first, "arm")
	want := "OnCalendar=\nOnCalendar=" + moved.Add(10*time.Second).UTC().Format(time.DateTime) + " UTC\n"
	if got := m.read(again); !strings.Contains(got, want) {
		t.Errorf("the time is still that in /etc; below /run is %q", got)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	m.spawnDeadline(first, "arm")
	if got, timer := m.read(again), m.read("etc/systemd/system/spawn-deadline.timer"); got != "" || !strings.Contains(timer, want[len("OnCalendar=\n"):]) {
		t.Errorf("the disk has room again: below /run is %q, the timer is %q", got, timer)
	}
}

// TestSecondsOf compares the script's own calendar with Go's.
func TestSecondsOf(t *testing.T) {
	text, err := script("spawn-deadline.sh", values{"DEADLINE": "1"})
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "\nseconds_of() {")
	body, _, found := strings.Cut(rest, "\n}\n")
	if !found {
		t.Fatal("the script has no seconds_of")
	}
	times := []string{
		"2027-02-29T00:00:00Z", "2028-02-29T23:59:59Z", "2100-02-29T00:00:00Z", "2400-02-29T00:00:00Z", "2027-04-31T00:00:00Z",
		"2027-00-01T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-00T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T00:00:60Z",
		"2027-01-01T08:09:08+09:30", "2027-01-01T08:09:08-00:45", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
		"2027-01-01T08:09:08.5Z", "2027-01-01 08:09:08Z", "now", "",
	}
	for at := time.Date(1971, time.January, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2120; at = at.Add(17*24*time.Hour + 3*time.Hour + 11*time.Minute + 7*time.Second) {
		times = append(times, at.Format(time.RFC3339))
	}
	var want strings.Builder
	for _, s := range times {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil || strings.Contains(s, ".") || at.Unix() <= 0 {
			want.WriteString("no\n")
			continue
		}
		want.WriteString(epoch(at) + "\n")
	}
	program := "seconds_of() {" + body + "\n}\nwhile IFS= read -r line; do seconds_of \"$line\" || echo no; done\n"
	for _, shell := range shells(t) {
		cmd := exec.Command(shell[0], append(shell[1:], "-c", program)...)
		cmd.Stdin = strings.NewReader(strings.Join(times, "\n") + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", shell, err)
		}
		if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(string(out), "\n")); diff != "" {
			t.Errorf("%v (-Go +script):\n%s", shell, diff)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	m := newMachine(t, (&imds{}).serve(t))
	begun := time.Now()
	m.spawnDeadline(begun.Add(-7*time.Second), "watch") // three seconds, as there are ten of grace
	took := time.Since(begun)
	if len(m.called("power-button")) != 1 || took < 2*time.Second || took > 6*time.Second {
		t.Errorf("ended %d times, after %s", len(m.called("power-button")), took)
	}
}

// TestWatchSeesShortening moves the deadline as spored does.
func TestWatchSeesShortening(t *testing.T) {
	t.Parallel()
	m := newMachine(t, (&imds{}).serve(t))
	timer := time.AfterFunc(time.Second, func() { m.write("var/lib/spored/deadline", epoch(time.Now().Add(-time.Minute))+"\n") })
	defer timer.Stop()
	begun := time.Now()
	m.spawnDeadline(begun.Add(time.Hour), "watch")
	if took := time.Since(begun); len(m.called("power-button")) != 1 || took > 10*time.Second {
		t.Errorf("ended %d times, after %s", len(m.called("power-button")), took)
	}
}

func TestArmWithoutSystemd(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.spawnDeadline(time.Now().Add(time.Hour), "arm")
	if !m.awaits("setsid") || !strings.Contains(m.called("setsid")[0], " watch") {
		t.Errorf("left behind in a session of its own: %q", m.called("setsid"))
	}
	if m.read("run/spored/os-timer") == "" {
		t.Error("armed, and no mark of it")
	}
}

func TestArmWithSystemd(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.write("run/systemd/system/.keep", "")
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	m.spawnDeadline(at, "arm")
	timer := m.read("etc/systemd/system/spawn-deadline.timer")
	want := "OnCalendar=" + at.Add(10*time.Second).UTC().Format(time.DateTime) + " UTC\n"
	if !strings.Contains(timer, want) || !strings.Contains(timer, "Persistent=true\n") {
		t.Errorf("the timer lacks %q:\n%s", want, timer)
	}
	for _, call := range m.called("systemctl") {
		starts := strings.Contains(call, "start") // or restart
		if starts && !strings.Contains(call, "--no-block") {
			t.Errorf("waits for systemd while systemd may be waiting for it: systemctl %s", call)
		}
		if strings.Contains(call, "spawn-deadline.service") {
			t.Errorf("an hour before the deadline: systemctl %s", call)
		}
	}
	if m.read("run/spored/os-timer") == "" {
		t.Error("armed, and no mark of it")
	}
}

func TestArmWithSystemdWhenPast(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.write("run/systemd/system/.keep", "")
	m.spawnDeadline(time.Now().Add(-time.Hour), "arm")
	if !strings.Contains(strings.Join(m.called("systemctl"), "\n"), "start spawn-deadline.service") {
		t.Errorf("a time in the past never fires, and nothing else was started: %q", m.called("systemctl"))
	}
}

// TestArmWhenSystemdRefuses must not leave the instance without a timer.
func TestArmWhenSystemdRefuses(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.write("run/systemd/system/.keep", "")
	m.write(m.bin+"/systemctl", "#!/bin/sh\nexit 1\n")
	m.spawnDeadline(time.Now().Add(time.Hour), "arm")
	if !m.awaits("setsid") {
		t.Error("no timer at all")
	}
}
