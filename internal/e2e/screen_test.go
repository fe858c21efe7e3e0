//go:build unix

package e2e_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// copied is what may be wider than a terminal: it is there to be copied.
var copied = regexp.MustCompile(`^ *(next: |connect: )`)

// fits holds that nothing that was drawn runs over the terminal's edge.
func fits(t *testing.T, what, drawn string, columns int) {
	t.Helper()
	for line := range strings.Lines(drawn) {
		line = strings.TrimRight(line, "\n ")
		if width := ansi.StringWidth(line); width > columns && !copied.MatchString(line) {
			t.Errorf("%s: a line has %d of %d columns: %s", what, width, columns, line)
		}
	}
}

// steps are the steps of a launch that were drawn as over, each as often as it
// was, and those that were drawn at all.
func steps(drawn string) (over, all []string) {
	for _, m := range regexp.MustCompile(`(?m)^  (account|key|network|role|agent|cloud|request|boot|backstop|ready) +(\S+)`).FindAllStringSubmatch(drawn, -1) {
		all = append(all, m[1])
		if m[2] == "ok" {
			over = append(over, m[1])
		}
	}
	return over, all
}

// TestScreens goes through an instance's life before terminals of several kinds,
// in a cloud in which some calls are slow.
func TestScreens(t *testing.T) {
	needAgents(t)
	t.Parallel()
	u := newUser(t, false)
	u.do(nil, "spawn", "local", "up")
	for _, action := range []string{"RunInstances", "StopInstances", "StartInstances", "TerminateInstances", "DescribeVolumes", "DescribeSpotPriceHistory"} {
		u.do(nil, "spawn", "local", "fault", "latency", "--service", "ec2", "--action", action, "--delay", "1200ms")
	}
	t.Run("kinds", func(t *testing.T) {
		for name, kind := range map[string]struct {
			columns, rows int
			env           []string
			drawn         bool   // in place
			codes         string // a pattern that what is drawn has, or, after a !, has not
		}{
			"narrow":          {60, 30, nil, true, `\x1b\[32m`},
			"wide":            {200, 50, nil, true, `\x1b\[32m`},
			"narrow-no-color": {60, 30, []string{"NO_COLOR=1"}, true, `!\x1b\[[0-9;]*[349][0-7]`},
			"wide-dumb":       {200, 50, []string{"TERM=dumb"}, false, `!\x1b`},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				x := openScreen(t, u, kind.columns, kind.rows, append(kind.env, "SPAWN_LOCAL=1")...)
				life(t, x, name, kind.columns, kind.drawn)
				pattern, not := strings.CutPrefix(kind.codes, "!")
				if regexp.MustCompile(pattern).MatchString(x.Styled()) == not {
					t.Errorf("of codes it wants %s:\n%q", kind.codes, x.Styled())
				}
			})
		}
	})
}

// life launches an instance, looks at it, moves it through its states and ends it.
func life(t *testing.T, x *screen, name string, columns int, drawn bool) {
	run := func(want int, command string) string {
		t.Helper()
		seen, code := x.Run(command)
		if code != want {
			t.Errorf("%s exited with %d:\n%s", command, code, seen)
		}
		fits(t, command, seen, columns)
		return seen
	}
	// waits begins a command of which it is seen, before its end, that it goes on;
	// and nothing of that is left at its end where it was drawn in place.
	waits := func(command, going string) string {
		t.Helper()
		x.Begin(command)
		x.WaitFor(going)
		seen, code := x.Exit()
		if code != 0 {
			t.Errorf("%s exited with %d:\n%s", command, code, seen)
		}
		if drawn && regexp.MustCompile(going).MatchString(seen) {
			t.Errorf("%s left what it waited for on the screen:\n%s", command, seen)
		}
		fits(t, command, seen, columns)
		return seen
	}
	going := ` (·  |·· |···) \d+s`
	if !drawn {
		going = `\.\.\.\n`
	}
	seen := waits("spawn launch --instance-type t3.micro --ttl 1h --name "+name, `request +`+strings.TrimSpace(going))
	over, all := steps(seen)
	for _, step := range []string{"account", "key", "network", "role", "agent", "request", "boot", "ready"} {
		if n := count(over, step); n != 1 || drawn && count(all, step) != 1 {
			t.Errorf("the step %s is drawn %d times as over, %d times in all:\n%s", step, n, count(all, step), seen)
		}
	}
	if seen := run(0, "spawn list"); !strings.Contains(seen, name) || !strings.Contains(seen, "running") || !strings.Contains(seen, "LEFT") {
		t.Errorf("the list shows neither state nor time left:\n%s", seen)
	}
	waits("spawn status "+name, going)
	waits("spawn cost", going)
	waits("spawn stop "+name, going)
	run(0, "spawn extend "+name+" 1h") // no agent is waited for
	waits("spawn start "+name, going)

	x.Begin("spawn terminate " + name)
	x.WaitFor(`\[y/N\] $`)
	x.Type("n")
	if seen, code := x.Exit(); code != 130 {
		t.Errorf("after a no terminate exited with %d:\n%s", code, seen)
	}
	x.Begin("spawn terminate " + name)
	x.WaitFor(`(?s)\[y/N\] n\n.*\[y/N\] $`)
	x.Type("y")
	x.WaitFor(going)
	seen, code := x.Exit()
	if code != 0 || drawn && regexp.MustCompile(going).MatchString(seen) {
		t.Errorf("terminate exited with %d:\n%s", code, seen)
	}
	fits(t, "terminate", seen, columns)

	waits("spawn cleanup --dry-run", going)
	run(0, "spawn list --all -o wide")
	run(0, "spawn doctor")
	run(0, "spawn config")
	run(0, "spawn stop --help")
	run(0, "truffle search 'm7i.*'")
	run(0, "truffle spot m7i.large")
	waits("truffle search t3.micro --local", going)
	run(0, "truffle describe p5.48xlarge")
	run(0, "truffle compare m7i.large t3.micro c7g.large")
	run(0, "truffle regions")
	run(0, "truffle az m7i.large")
	run(3, "spawn status nobody")
	run(2, "spawn launch --instance-type t3.micro --ttl banana")
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// TestScreenInterrupted interrupts a launch on a screen that changes its size
// meanwhile, and a list that is watched: both end as they should, and the
// terminal is as it was.
func TestScreenInterrupted(t *testing.T) {
	needAgents(t)
	t.Parallel()
	u := newUser(t, false)
	u.do(nil, "spawn", "local", "up", "--runtime", "none")
	u.do(nil, "spawn", "local", "fault", "latency", "--service", "ec2", "--action", "RunInstances", "--delay", "3s")
	x := openScreen(t, u, 100, 30, "SPAWN_LOCAL=1")

	x.Begin("spawn launch --instance-type t3.micro --name undone")
	x.WaitFor(`request +·`)
	for _, columns := range []int{60, 120, 50} {
		x.Resize(columns, 24)
		x.WaitFor(`request +·+ +\d+s`)
	}
	x.Press("C-c")
	seen, code := x.Exit()
	if code != 130 {
		t.Errorf("exited with %d:\n%s", code, seen)
	}
	over, _ := steps(seen)
	for _, step := range []string{"account", "network", "role", "agent"} {
		if n := count(over, step); n != 1 {
			t.Errorf("the step %s is drawn %d times as over:\n%s", step, n, seen)
		}
	}
	if strings.Contains(seen, "·") {
		t.Errorf("something still seems to go on:\n%s", seen)
	}
	target, _ := u.contact().look(t)
	checkNothingLeft(t, u, target.EC2())

	u.do(nil, "spawn", "local", "fault", "clear")
	for _, name := range []string{"one", "two", "three"} {
		u.do(nil, "spawn", "launch", "--local", "--instance-type", "t3.micro", "--name", name, "--no-wait")
	}
	x.Resize(200, 30)
	x.Begin("spawn list --watch")
	x.WaitFor(`every 2s`)
	for _, size := range [][2]int{{60, 30}, {60, 6}, {140, 30}} {
		x.Resize(size[0], size[1])
		x.watched(size[0], size[1])
	}
	x.Press("C-c")
	if seen, code := x.Exit(); code != 0 {
		t.Errorf("exited with %d:\n%s", code, seen)
	}
}

// watched waits until the screen shows the list once, drawn for its size.
func (x *screen) watched(columns, rows int) {
	x.t.Helper()
	// titles, then what fits, an empty line, and the end, below which the cursor is
	whole := regexp.MustCompile(`^NAME.*\n(one|two|three) .*\n(.+\n)*\n.*every 2s.*\n$`)
	x.until(x.Visible, "the list is not there once", func(seen string) bool {
		seen = strings.TrimRight(seen, "\n") + "\n"
		fit := strings.Count(seen, "\n") < rows
		for line := range strings.Lines(seen) {
			fit = fit && ansi.StringWidth(strings.TrimRight(line, "\n")) <= columns
		}
		return fit && whole.MatchString(seen) && (rows < 10) == strings.Contains(seen, "more lines")
	})
}
