//go:build unix

package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// window is a terminal, one of tmux's windows, in which one program runs.
type window struct {
	t    *testing.T
	dir  string // of tmux's socket, and of what the window's shell leaves
	tmux func(args ...string) (string, error)
}

// start opens a terminal for a user and runs a command line in it.
func start(t *testing.T, u *user, columns, rows int, line string) *window {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: nothing was tried on a real terminal")
	}
	dir, err := os.MkdirTemp("", "spawn-tmux-") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &window{t: t, dir: dir, tmux: func(args ...string) (string, error) {
		cmd := exec.Command("tmux", append([]string{"-S", dir + "/socket", "-f", dir + "/conf"}, args...)...)
		cmd.Env = append(u.command("spawn").Env, "LC_ALL=C.UTF-8", "TERM=xterm-256color")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}}
	t.Cleanup(func() {
		s.tmux("kill-server")
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	// Above is a prompt: what is cleared at the very top, tmux keeps as history.
	script := fmt.Sprintf("cd '%s'; echo '$ spawn'; stty -g >before; (%s); code=$?; stty -g >after; echo $code >code.part; mv code.part code; exec sleep 600", dir, line)
	for name, text := range map[string]string{"conf": "set -g status off\nset -g default-terminal xterm-256color\nset -g escape-time 0\n", "script": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := s.tmux("new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows), "sh", dir+"/script"); err != nil {
		t.Fatalf("start tmux: %v: %s", err, out)
	}
	return s
}

// do has tmux do something and returns what it says.
func (s *window) do(args ...string) string {
	s.t.Helper()
	out, err := s.tmux(args...)
	if err != nil {
		s.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return out
}

// press presses keys by tmux's names for them; what is no name is typed.
func (s *window) press(keys ...string) {
	s.t.Helper()
	s.do(append([]string{"send-keys"}, keys...)...)
}

// all is what was shown, lines that the terminal wrapped in one piece, with
// escape sequences where styles are wanted.
func (s *window) all(styles ...string) string {
	s.t.Helper()
	return s.do(append([]string{"capture-pane", "-p", "-J", "-S", "-"}, styles...)...)
}

// patience is how long a test waits for what comes in a moment.
const patience = time.Minute

// until polls for something on the screen.
func (s *window) until(pattern string) {
	s.t.Helper()
	want := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		seen := s.do("capture-pane", "-p")
		if want.MatchString(seen) {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("there is no %q but:\n%s", pattern, seen)
		}
	}
}

// exit waits for the program's end and wants the terminal as it was.
func (s *window) exit() int {
	s.t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			s.t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(s.dir, "code")); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Now().After(end) {
			s.t.Fatalf("it has not ended:\n%s", s.do("capture-pane", "-p"))
		}
	}
	if before, after := read("before"), read("after"); before != after {
		s.t.Errorf("the terminal was\n%s\nand is\n%s", before, after)
	}
	if flags := s.do("display-message", "-p", "#{cursor_flag} #{alternate_on}"); strings.TrimSpace(flags) != "1 0" {
		s.t.Errorf("cursor and other screen are %s", flags)
	}
	code, err := strconv.Atoi(read("code"))
	if err != nil {
		s.t.Fatal(err)
	}
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

func (s *window) answer(steps []step) {
	s.t.Helper()
	for _, at := range steps {
		s.until(at.question)
		for _, key := range at.keys {
			s.press(key)
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
				s.until(askLaunch)
				for line := range strings.Lines(s.all()) {
					line = strings.TrimRight(line, " \n")
					if ansi.StringWidth(line) > size[0] && !strings.HasPrefix(line, "  spawn launch ") {
						t.Errorf("it does not fit: %s", line)
					}
				}
				if seen := s.all("-e"); colour.MatchString(seen) != (env == "") {
					t.Errorf("with %q the colours are: %q", env, seen)
				}
				s.press("Up")
				s.until(`^> yes`)
				s.press("Enter")
				if code := s.exit(); code != 0 {
					t.Fatalf("exit code %d:\n%s", code, s.all())
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
			s := start(t, u, 60, 30, "exec spawn")
			s.answer(all[:asked])
			s.until(at.question)
			s.press("C-c")
			if code := s.exit(); code != 130 {
				t.Errorf("exit code %d:\n%s", code, s.all())
			}
			if seen := s.all(); !strings.Contains(seen, "nothing was launched") || regexp.MustCompile("(?m)"+at.question).MatchString(seen) {
				t.Errorf("what is left:\n%s", seen)
			}
			if left, err := os.ReadDir(u.home); err != nil || len(left) > 0 {
				t.Errorf("it left %v, %v", left, err)
			}
		})
	}
	t.Run("SIGTERM", func(t *testing.T) {
		t.Parallel()
		s := start(t, newUser(t, false), 60, 30, `exec sh -c 'echo $$ >pid; exec spawn'`)
		s.until(askAccount)
		text, err := os.ReadFile(filepath.Join(s.dir, "pid"))
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
		if code := s.exit(); code != 130 {
			t.Errorf("exit code %d:\n%s", code, s.all())
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
	if code := s.exit(); code != 0 || !strings.Contains(s.all(), "  spawn launch --local --instance-type t3.micro ") {
		t.Errorf("exit code %d:\n%s", code, s.all())
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
	s.until(askNeed)
	s.press("Down")
	for _, size := range [][2]string{{"200", "50"}, {"60", "30"}, {"45", "8"}, {"80", "24"}} {
		s.do("resize-window", "-x", size[0], "-y", size[1])
		s.until(`^> general`)
	}
	s.press("Down")
	s.until(`^> memory`)
	if n := strings.Count(s.do("capture-pane", "-p"), "What do you need?\n"); n != 1 {
		t.Errorf("the question is there %d times:\n%s", n, s.all())
	}
	s.press("Enter")
	s.answer([]step{{askWhere, []string{"Enter"}}})
	s.until(`^> r7i\.large `)
	s.press("C-c")
	if code := s.exit(); code != 130 {
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
				s.press(line, "Enter")
			}
			if code := s.exit(); code != 0 {
				t.Errorf("exit code %d:\n%s", code, s.all())
			}
			if want := "spawn launch --local --instance-type t3.small --region us-west-2 --spot --ttl 1h"; !strings.Contains(s.all(), want) {
				t.Errorf("the command is not %s:\n%s", want, s.all())
			}
			if _, err := os.Stat(u.cloudDir()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a cloud: %v", err)
			}
		})
	}
}

// untilAsked waits until so many lines were asked for.
func (s *window) untilAsked(times int) {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		seen := s.all()
		if strings.Count(seen, "b for back >") >= times {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("something was asked less than %d times:\n%s", times, seen)
		}
	}
}

func TestWizardIsNotAsked(t *testing.T) {
	t.Parallel()
	s := start(t, newUser(t, false), 80, 24, "spawn --no-input")
	if code := s.exit(); code != 2 || strings.Contains(s.all(), "What do you need") {
		t.Errorf("exit code %d:\n%s", code, s.all())
	}
}

// Who has no credentials is told how to get some, which is no failure.
func TestWizardExplainsCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, newUser(t, false), 60, 30, "spawn")
	s.answer([]step{{askAccount, []string{"Down", "Enter"}}})
	code, seen := s.exit(), s.all()
	if code != 0 || slices.ContainsFunc([]string{"aws configure sso", "AWS_PROFILE", "spawn --local"}, func(word string) bool { return !strings.Contains(seen, word) }) {
		t.Errorf("exit code %d:\n%s", code, seen)
	}
}
