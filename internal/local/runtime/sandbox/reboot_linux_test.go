package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// rebootCall is a shell line that calls reboot(2) with a command.
func rebootCall(t *testing.T, command string) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "/usr/local/bin/python3"} {
		if _, err := os.Stat(python); err == nil {
			return python + ` -c 'import ctypes; ctypes.CDLL(None).reboot(` + command + `)'`
		}
	}
	t.Skip("no python3 outside of home directories to call reboot(2) with")
	return ""
}

// rebootUserData runs line at its first boot alone, and says in a file how
// often each kind of part ran.
func rebootUserData(line string) string {
	return "Content-Type: multipart/mixed; boundary=\"BB\"\nMIME-Version: 1.0\n\n" +
		"--BB\nContent-Type: text/cloud-boothook\n\n#!/bin/sh\necho hook >>/usr/local/order\n[ ! -e /tmp/x ] && touch /tmp/x || echo dirty >>/usr/local/order\n" +
		"--BB\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho script >>/usr/local/order\necho \"set up\"\n" + line + "\n--BB--\n"
}

// booted waits until the user-data of the nth boot is done, and fails if the
// machine ends instead.
func booted(t *testing.T, m runtime.Running, console *screen, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); strings.Count(console.String(), "user-data is done") < n; time.Sleep(5 * time.Millisecond) {
		select {
		case <-m.Done():
			t.Fatalf("the machine is off:\n%s", console)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("boot %d did not come:\n%s", n, console)
		}
	}
}

func TestAMachineRebootsItself(t *testing.T) {
	needSandbox(t)
	for _, way := range []string{"reboot", "/sbin/reboot", "shutdown -r now", "systemctl reboot", "kill -39 1", "kill -INT 1", "reboot(2)"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			command, _, _ := strings.Cut(way, " ")
			if _, err := exec.LookPath(command); err != nil && (strings.HasPrefix(command, "/") || command == "systemctl") {
				t.Skipf("no %s on this system", command)
			}
			if way == "reboot(2)" {
				way = rebootCall(t, "0x1234567")
			}
			// What a script starts does not live on, nor does it keep the reboot.
			m, console := boot(t, rebootUserData("setsid sleep 1000 & "+way+"; sleep 1000"))
			booted(t, m, console, 1)
			if got, _ := inside(t, m, "cat /usr/local/order"); got != "hook\nscript\nhook" {
				t.Errorf("ran %q, want the hook at both boots, on an empty /tmp, and the script once:\n%s", got, console)
			}
			if out, code := inside(t, m, `read up idle </proc/uptime; [ "${up%.*}" -lt 60 ] || exit 6; for p in /proc/[0-9]*; do grep -qx sleep $p/comm && exit 7; done; exit 0`); code != 0 {
				t.Errorf("the machine is the old one: %d %s", code, out)
			}
			m.PowerOff(t.Context())
			off(t, m, console)
		})
	}
}

func TestReboot(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, rebootUserData(""))
	booted(t, m, console, 1)
	for n := 2; n <= 3; n++ {
		m.Reboot(t.Context())
		// It runs again: no wait is needed for that.
		if _, code := inside(t, m, "true"); code != 0 {
			t.Errorf("after reboot %d a command exits with %d", n-1, code)
		}
		booted(t, m, console, n)
	}
	if got, _ := inside(t, m, "cat /usr/local/order"); got != "hook\nscript\nhook\nhook" {
		t.Errorf("ran %q", got)
	}
	if out, code := inside(t, m, "exec 2>&1; [ \"$(cat /proc/sys/kernel/hostname)\" = ip-172-31-0-5 ] && ls /sys/class/net"); code != 0 || !strings.Contains(out, "lo") {
		t.Errorf("%q %d", out, code)
	}
	m.PowerOff(t.Context())
	off(t, m, console)
	m.Reboot(t.Context()) // of a machine that is off: returns
}

func TestResetOfAMachineThatHangs(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, rebootUserData("trap '' TERM\necho stubborn\nwhile :; do sleep 1; done"))
	console.waitFor(t, "stubborn")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.Reboot(ctx)
	booted(t, m, console, 1)
	if got, _ := inside(t, m, "cat /usr/local/order"); got != "hook\nscript\nhook" {
		t.Errorf("ran %q", got)
	}
}

func TestPowerOffEndsAReboot(t *testing.T) {
	needSandbox(t)
	for _, pause := range []time.Duration{0, 10 * time.Millisecond, 200 * time.Millisecond, 1100 * time.Millisecond} {
		t.Run(fmt.Sprint(pause), func(t *testing.T) {
			t.Parallel()
			m, console := boot(t, "Content-Type: text/cloud-boothook\n\n#!/bin/sh\necho again; reboot\n")
			console.waitFor(t, "again")
			time.Sleep(pause) // to meet the reboot in each of its stages
			m.PowerOff(t.Context())
			off(t, m, console)
		})
	}
}

func TestAMachineThatOnlyRebootsIsSlowedDown(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, "Content-Type: text/cloud-boothook\n\n#!/bin/sh\necho again; reboot\n")
	begun := time.Now()
	for end := begun.Add(20 * time.Second); strings.Count(console.String(), "again\n") < 4; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("4 boots did not come in 20 s:\n%s", console)
		}
	}
	if took := time.Since(begun); took < 2*time.Second {
		t.Errorf("4 boots in %v", took)
	}
	m.PowerOff(t.Context())
}
