//go:build unix

package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// start opens a terminal for a user and runs a command line in it.
func start(t *testing.T, u *user, columns, rows int, line string) *screen {
	t.Helper()
	s := openScreen(t, u, columns, rows)
	s.Begin(line)
	return s
}

// ended is the exit code of what was started.
func (x *screen) ended() int {
	x.t.Helper()
	_, code := x.Exit()
	return code
}

// The questions, by how the live one begins: what is left of one that was
// answered goes on with the answer.
const (
	askAccount = `^No AWS credentials were found\. How`
	askNeed    = `^What do you need\?$`
	askWhere   = `^Where\? A`
	askWhich   = `^Which type\? P`
	askName    = `^Which type\? I`
	askMarket  = `^On demand or Spot\?$`
	askLife    = `^How long may it live\? I`
	askOther   = `^How long\? S`
	askIdle    = `^And when nobody uses it\?$`
	askLaunch  = `^Launch it\?$`
)

// step is a question, and what somebody presses at it.
type step struct {
	question string
	keys     []string
}

// answers are all the way to the last question, on a machine without
// credentials.
func answers() []step {
	return []step{
		{askAccount, []string{"Enter"}},
		{askNeed, []string{"/", "g", "p", "u", "Enter"}},
		{askWhere, []string{"Escape"}},
		{askNeed, []string{"Up", "Up", "Up", "Enter"}}, // from GPU back to small
		{askWhere, []string{"Down", "Enter"}},
		{askWhich, []string{"End", "Enter"}},
		{askName, []string{"Escape"}},
		{askWhich, []string{"Down", "Enter"}},
		{askMarket, []string{"Down", "Enter"}},
		{askLife, []string{"End", "Enter"}},
		{askOther, []string{"banana", "Enter", "C-u", "90m", "Enter"}},
		{askIdle, []string{"Down", "Enter"}},
	}
}

func (x *screen) answer(steps []step) {
	x.t.Helper()
	for _, at := range steps {
		x.WaitVisible(at.question)
		for _, key := range at.keys {
			x.Press(key)
		}
	}
}

// colour is what sets one; tmux shows its own resets to the default as well.
var colour = regexp.MustCompile(`\x1b\[([0-9;]*;)?(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;[0-9;]*)?m`)

func TestWizardLaunches(t *testing.T) {
	needAgents(t)
	for _, size := range [][2]int{{60, 30}, {200, 50}} {
		for _, env := range []string{"", "NO_COLOR=1"} {
			t.Run(fmt.Sprint(size, env), func(t *testing.T) {
				t.Parallel()
				u := newUser(t, false)
				u.do(nil, "spawn", "local", "up", "--runtime", "none")
				s := start(t, u, size[0], size[1], env+" spawn --no-wait")
				s.answer(answers())
				s.WaitVisible(askLaunch)
				for line := range strings.Lines(s.Screen()) {
					line = strings.TrimRight(line, " \n")
					if ansi.StringWidth(line) > size[0] && !strings.HasPrefix(line, "  spawn launch ") {
						t.Errorf("it does not fit: %s", line)
					}
				}
				if seen := s.Styled(); colour.MatchString(seen) != (env == "") {
					t.Errorf("with %q the colours are: %q", env, seen)
				}
				s.Press("Up")
				s.WaitVisible(`^> yes`)
				s.Press("Enter")
				if code := s.ended(); code != 0 {
					t.Fatalf("exit code %d:\n%s", code, s.Screen())
				}
				in := only(t, u, "us-west-2")
				got := account.TagMap(in.Tags)
				if in.InstanceType != "t3.small" || in.InstanceLifecycle != types.InstanceLifecycleTypeSpot ||
					got[lifecycle.TagTTL] != "1h30m" || got[lifecycle.TagIdleTimeout] != "1h" || got[lifecycle.TagIdleAction] != string(lifecycle.Terminate) {
					t.Errorf("launched was %s %s %v", in.InstanceType, in.InstanceLifecycle, got)
				}
			})
		}
	}
}

// only is the one instance of a user's cloud.
func only(t *testing.T, u *user, region string) types.Instance {
	t.Helper()
	all := instances(t, u, region)
	if len(all) != 1 {
		t.Fatalf("%s has %d instances", region, len(all))
	}
	return all[0]
}

func instances(t *testing.T, u *user, region string) []types.Instance {
	t.Helper()
	target, err := cloudOf(u.home, region)
	if err != nil {
		t.Fatal(err)
	}
	out, err := target.EC2().DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var all []types.Instance
	for _, r := range out.Reservations {
		all = append(all, r.Instances...)
	}
	return all
}

// Ctrl-C at any question ends it with nothing made, and so does SIGTERM.
func TestWizardInterrupted(t *testing.T) {
	all := append(answers(), step{askLaunch, nil})
	for asked, at := range all {
		t.Run(fmt.Sprint("after ", asked), func(t *testing.T) {
			t.Parallel()
			u := newUser(t, false)
			s := start(t, u, 60, 30, "spawn")
			s.answer(all[:asked])
			s.WaitVisible(at.question)
			s.Press("C-c")
			if code := s.ended(); code != 130 {
				t.Errorf("exit code %d:\n%s", code, s.Screen())
			}
			if seen := s.Screen(); !strings.Contains(seen, "nothing was launched") || regexp.MustCompile("(?m)"+at.question).MatchString(seen) {
				t.Errorf("what is left:\n%s", seen)
			}
			if left, err := os.ReadDir(u.home); err != nil || len(left) > 0 {
				t.Errorf("it left %v, %v", left, err)
			}
		})
	}
	t.Run("SIGTERM", func(t *testing.T) {
		t.Parallel()
		u := newUser(t, false)
		s := start(t, u, 60, 30, `sh -c 'echo $$ >pid; exec spawn'`)
		s.WaitVisible(askAccount)
		text, err := os.ReadFile(filepath.Join(u.home, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := s.ended(); code != 130 {
			t.Errorf("exit code %d:\n%s", code, s.Screen())
		}
	})
}

// Whoever presses Enter all the way sees what it comes to, and launches nothing.
func TestWizardProposesNoLaunch(t *testing.T) {
	t.Parallel()
	u := newUser(t, false)
	s := start(t, u, 80, 24, "spawn")
	for _, question := range []string{askAccount, askNeed, askWhere, askWhich, askMarket, askLife, askIdle, askLaunch} {
		s.answer([]step{{question, []string{"Enter"}}})
	}
	if code := s.ended(); code != 0 || !strings.Contains(s.Screen(), "  spawn launch --local --instance-type t3.micro ") {
		t.Errorf("exit code %d:\n%s", code, s.Screen())
	}
	if left, err := os.ReadDir(u.home); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// A terminal that becomes wider, narrower or low shows the question once, and
// takes the answer.
func TestWizardResized(t *testing.T) {
	t.Parallel()
	s := start(t, newUser(t, false), 60, 30, "spawn --local")
	s.WaitVisible(askNeed)
	s.Press("Down")
	for _, size := range [][2]int{{200, 50}, {60, 30}, {45, 8}, {80, 24}} {
		s.Resize(size[0], size[1])
		s.WaitVisible(`^> general`)
	}
	s.Press("Down")
	s.WaitVisible(`^> memory`)
	if n := strings.Count(s.Visible(), "What do you need?\n"); n != 1 {
		t.Errorf("the question is there %d times:\n%s", n, s.Screen())
	}
	s.Press("Enter")
	s.answer([]step{{askWhere, []string{"Enter"}}})
	s.WaitVisible(`^> r7i\.large `)
	s.Press("C-c")
	if code := s.ended(); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

// For who listens, and where nothing can be drawn, the questions are lines: what
// was shown stays, and nothing is styled in place.
func TestWizardInLines(t *testing.T) {
	for name, test := range map[string]struct {
		columns int
		env     string
	}{
		"for who listens":    {80, "ACCESSIBLE=1"},
		"on a dumb terminal": {80, "TERM=dumb"},
		"on a narrow one":    {39, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, false)
			s := start(t, u, test.columns, 30, test.env+" spawn --local")
			// As many times as something is asked, for what was asked stays.
			for asked, line := range []string{"general", "b", "small", "2", "2", "b", "t3.small", "Spot", "1h", "no"} {
				s.untilAsked(asked + 1)
				s.Press(line, "Enter")
			}
			if code := s.ended(); code != 0 {
				t.Errorf("exit code %d:\n%s", code, s.Screen())
			}
			if want := "spawn launch --local --instance-type t3.small --region us-west-2 --spot --ttl 1h"; !strings.Contains(s.Screen(), want) {
				t.Errorf("the command is not %s:\n%s", want, s.Screen())
			}
			if _, err := os.Stat(u.cloudDir()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a cloud: %v", err)
			}
		})
	}
}

// untilAsked waits until so many lines were asked for.
func (x *screen) untilAsked(times int) {
	x.t.Helper()
	x.until(x.Screen, fmt.Sprintf("not asked %d times", times), func(seen string) bool {
		return strings.Count(seen, "b for back >") >= times
	})
}

func TestWizardIsNotAsked(t *testing.T) {
	t.Parallel()
	s := start(t, newUser(t, false), 80, 24, "spawn --no-input")
	if code := s.ended(); code != 2 || strings.Contains(s.Screen(), "What do you need") {
		t.Errorf("exit code %d:\n%s", code, s.Screen())
	}
}

// Who has no credentials is told how to get some, which is no failure.
func TestWizardExplainsCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, newUser(t, false), 60, 30, "spawn")
	s.answer([]step{{askAccount, []string{"Down", "Enter"}}})
	code, seen := s.ended(), s.Screen()
	if code != 0 || slices.ContainsFunc([]string{"aws configure sso", "AWS_PROFILE", "spawn --local"}, func(word string) bool { return !strings.Contains(seen, word) }) {
		t.Errorf("exit code %d:\n%s", code, seen)
	}
}
