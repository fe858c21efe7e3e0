package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Ctrl-C at any question of a bare spawn ends it with 130; nothing was made, and
// the terminal is as it was.
func TestInterruptAtEveryQuestion(t *testing.T) {
	needAgents(t)
	answers := []string{"local", "type", "another", "us-west-2", "t3.small", "", "another", "2h", ""}
	for asked := range len(answers) + 1 {
		t.Run(fmt.Sprint("after ", asked), func(t *testing.T) {
			t.Parallel()
			keyboard, terminal := openTerminal(t)
			before := termios(t, terminal)
			home := t.TempDir()
			cmd := exec.CommandContext(t.Context(), programs+"/spawn")
			cmd.Env = []string{"HOME=" + home, "TERM=dumb", "AWS_EC2_METADATA_DISABLED=true"}
			cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for _, answer := range answers[:asked] {
				awaitPrompt(t, keyboard)
				fmt.Fprintln(keyboard, answer)
			}
			awaitPrompt(t, keyboard)
			if _, err := keyboard.Write([]byte{3}); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
				t.Errorf("exited with %s", cmd.ProcessState)
			}
			if after := termios(t, terminal); after != before {
				t.Errorf("the terminal was %+v and is %+v", before, after)
			}
			if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
				t.Errorf("it left %v, %v", left, err)
			}
		})
	}
}

// awaitPrompt reads what a program shows until it waits for an answer.
func awaitPrompt(t *testing.T, keyboard *os.File) {
	t.Helper()
	if err := keyboard.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	for !strings.HasSuffix(seen.String(), "b for back > ") {
		if _, err := io.CopyN(&seen, keyboard, 1); err != nil {
			t.Fatalf("no question, but %v and: %s", err, seen.String())
		}
	}
}

// openTerminal makes a pseudo-terminal: what somebody types into, and what a
// program has as its terminal.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals: %v", err)
	}
	keyboard = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

func termios(t *testing.T, terminal *os.File) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}
