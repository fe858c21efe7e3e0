//go:build unix

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// screen is a terminal as a person has one before them: a shell in tmux, which
// draws what a program writes and passes on what is typed.
type screen struct {
	t      *testing.T
	socket string
	tty    string // the terminal's device
	mode   string // of the terminal, as the shell has it
	lines  int    // commands that were run, which tells their ends apart
}

// patience is how long anything on a screen may take.
const patience = 60 * time.Second

// openScreen starts a shell for the user in a terminal of so many columns and rows.
// The environment is the user's, and what is given beside.
func openScreen(t *testing.T, u *user, columns, rows int, env ...string) *screen {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skipf("there is no tmux to draw a terminal: %v", err)
	}
	dir, err := os.MkdirTemp("", "spawn-tmux-") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	x := &screen{t: t, socket: filepath.Join(dir, "tmux")}
	as := u.command("spawn")
	args := append([]string{"-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows), "-c", u.home, "env", "-i"}, as.Env...)
	args = append(append(args, "TERM=screen-256color", "PS1=$ "), env...)
	t.Cleanup(func() {
		_ = exec.Command("tmux", "-S", x.socket, "kill-server").Run() // which may have ended by itself
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	x.tmux(append(args, "sh", ";", "set", "status", "off")...)
	x.WaitFor(`^\$ `)
	x.tty = strings.TrimSpace(x.tmux("display-message", "-p", "#{pane_tty}"))
	x.mode = x.ttyMode()
	return x
}

// ttyMode is how the terminal treats what is typed and written.
func (x *screen) ttyMode() string {
	x.t.Helper()
	tty, err := os.Open(x.tty)
	if err != nil {
		x.t.Fatal(err)
	}
	defer tty.Close()
	stty := exec.Command("stty", "-g")
	stty.Stdin = tty
	mode, err := stty.Output()
	if err != nil {
		x.t.Fatalf("stty: %v", err)
	}
	return string(mode)
}

func (x *screen) tmux(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// Type types a line.
func (x *screen) Type(text string) {
	x.t.Helper()
	x.tmux("send-keys", "-l", text)
	x.Press("Enter")
}

// Press presses keys by tmux's names for them, such as C-c; what is no name is
// typed.
func (x *screen) Press(keys ...string) {
	x.t.Helper()
	x.tmux(append([]string{"send-keys"}, keys...)...)
}

// Resize gives the terminal another size.
func (x *screen) Resize(columns, rows int) {
	x.t.Helper()
	x.tmux("resize-window", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows))
}

// Screen is everything that was drawn, what has left the screen at its top
// included. A line that ran over the edge is one line, and longer than the
// screen is wide.
func (x *screen) Screen() string {
	x.t.Helper()
	return x.tmux("capture-pane", "-p", "-J", "-S", "-")
}

// Visible is what is on the screen now, row by row.
func (x *screen) Visible() string {
	x.t.Helper()
	return x.tmux("capture-pane", "-p")
}

// Styled is everything that was drawn, with the escape codes of its colours.
func (x *screen) Styled() string {
	x.t.Helper()
	return x.tmux("capture-pane", "-p", "-e", "-S", "-")
}

// WaitFor waits until something is drawn and returns what matched, groups
// included.
func (x *screen) WaitFor(pattern string) (got []string) {
	x.t.Helper()
	want := regexp.MustCompile("(?m)" + pattern)
	x.until(x.Screen, "no "+pattern, func(seen string) bool {
		got = want.FindStringSubmatch(seen)
		return got != nil
	})
	return got
}

// WaitVisible waits until something is on the screen.
func (x *screen) WaitVisible(pattern string) {
	x.t.Helper()
	x.until(x.Visible, "no "+pattern, regexp.MustCompile("(?m)"+pattern).MatchString)
}

// until looks again and again until what is seen is as it should be.
func (x *screen) until(look func() string, otherwise string, good func(seen string) bool) {
	x.t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // a program draws meanwhile
		seen := look()
		if good(seen) {
			return
		}
		if time.Now().After(until) {
			x.t.Fatalf("%s on the screen, but:\n%s", otherwise, strings.TrimRight(seen, "\n"))
		}
	}
}

// Begin types a command whose end Exit waits for.
func (x *screen) Begin(command string) {
	x.t.Helper()
	x.lines++
	x.Type(fmt.Sprintf(`%s; echo "end-%d=$?"`, command, x.lines))
}

// Exit waits for the end of the command that was begun last, and returns what it
// drew and its exit code. It wants the terminal as it was.
func (x *screen) Exit() (drawn string, code int) {
	x.t.Helper()
	end := x.WaitFor(fmt.Sprintf(`^(?:\^C)?end-%d=(\d+)$`, x.lines))
	x.WaitFor(regexp.QuoteMeta(end[0]) + `\n\$ `)
	code, err := strconv.Atoi(end[1])
	if err != nil {
		x.t.Fatal(err)
	}
	if mode := x.ttyMode(); mode != x.mode {
		x.t.Errorf("the terminal was\n%s\nand is\n%s", x.mode, mode)
	}
	if flags := x.tmux("display-message", "-p", "#{cursor_flag} #{alternate_on}"); strings.TrimSpace(flags) != "1 0" {
		x.t.Errorf("cursor and other screen are %s", flags)
	}
	seen := x.Screen()
	seen = seen[:strings.LastIndex(seen, end[0])]
	if _, after, found := strings.Cut(seen, fmt.Sprintf(`end-%d=$?"`, x.lines)); found {
		seen = strings.TrimPrefix(after, "\n")
	}
	return seen, code
}

// Run runs a command and returns what it drew and its exit code.
func (x *screen) Run(command string) (drawn string, code int) {
	x.t.Helper()
	x.Begin(command)
	return x.Exit()
}
