package sandbox_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	local "github.com/spawn-ec2/spawn/internal/local/runtime"
)

// cpuTimes are the busy and idle hundredths of seconds in a line of /proc/stat.
func cpuTimes(t *testing.T, m local.Running, line string) (busy, idle int64) {
	t.Helper()
	text, _ := inside(t, m, "grep '^"+line+" ' /proc/stat")
	f := strings.Fields(text)
	if len(f) != 11 {
		t.Fatalf("/proc/stat has %q", text)
	}
	for i, v := range f[1:] {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			idle = n
		} else {
			busy += n
		}
	}
	return busy, idle
}

// settle waits until the figures have been refreshed.
func settle() { time.Sleep(800 * time.Millisecond) }

func TestCPUTimeIsTheMachinesOwn(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, "")
	booted(t, m, console, 1)
	settle()
	// The host is busy, the machine is not.
	stop := make(chan struct{})
	defer close(stop)
	for range runtime.NumCPU() {
		go spin(stop)
	}
	busy, idle := cpuTimes(t, m, "cpu")
	begun := time.Now()
	time.Sleep(2 * time.Second)
	busyAfter, idleAfter := cpuTimes(t, m, "cpu")
	took := int64(time.Since(begun) / (10 * time.Millisecond))
	if used := busyAfter - busy; used > 20 { // the shells that ask
		t.Errorf("an idle machine used %d hundredths of a second in %d", used, took)
	}
	// Of each processor, half a second may be shown late.
	if gone := idleAfter - idle; gone < 2*took*3/4-100 || gone > 2*took*5/4+100 {
		t.Errorf("2 processors were idle for %d hundredths of a second in %d", gone, took)
	}
}

// spin keeps a processor busy until it is stopped.
func spin(stop <-chan struct{}) {
	for stopped := false; !stopped; {
		select {
		case <-stop:
			stopped = true
		default:
		}
	}
}

// Work of every shape is counted as what the shell that waited for it says.
func TestEveryKindOfWorkIsCounted(t *testing.T) {
	needSandbox(t)
	if _, err := os.Stat("/bin/bash"); err != nil {
		t.Skip("no bash, whose times are compared")
	}
	for name, work := range map[string]string{
		"one loop":                 "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done",
		"many short processes":     "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done",
		"processes of processes":   "for i in $(seq 60); do sh -c 'for j in 1 2 3 4; do sh -c \"/bin/true; :\"; done; :'; done",
		"several at the same time": "for k in 1 2 3; do (i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done) & done; wait",
	} {
		t.Run(name, func(t *testing.T) {
			m, console := boot(t, "")
			booted(t, m, console, 1)
			settle()
			before, _ := cpuTimes(t, m, "cpu")
			out, code := inside(t, m, "exec bash -c '"+strings.ReplaceAll(work, "'", `'\''`)+"; times'")
			if code != 0 {
				t.Fatalf("%d %s", code, out)
			}
			settle()
			after, _ := cpuTimes(t, m, "cpu")
			got, want := after-before, hundredths(t, out)
			if want < 30 {
				t.Fatalf("the work took %d hundredths of a second: this proves nothing", want)
			}
			// The shells that ask, and ticks that were cut off.
			if got < want-8 || got > want+25+want/10 {
				t.Errorf("counted %d hundredths of a second, its shell says %d", got, want)
			}
		})
	}
}

// hundredths adds up what a shell's "times" printed.
func hundredths(t *testing.T, text string) (sum int64) {
	t.Helper()
	for _, f := range strings.Fields(text) {
		var minutes int64
		var seconds float64
		if _, err := fmt.Sscanf(strings.ReplaceAll(f, ",", "."), "%dm%fs", &minutes, &seconds); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		sum += minutes*6000 + int64(seconds*100+0.5)
	}
	return sum
}

func TestCountersOfAMachine(t *testing.T) {
	needSandbox(t)
	begun := time.Now()
	m, console := boot(t, "") // of 2 virtual processors
	booted(t, m, console, 1)
	settle()
	for what, line := range map[string]string{
		"as many lines as processors": `[ "$(grep -c '^cpu[0-9]' /proc/stat)" = 2 ]`,
		"uptime":                      fmt.Sprintf(`read up idle </proc/uptime; [ "${up%%.*}" -lt %d ]`, 60+int(time.Since(begun).Seconds())),
		"boot time":                   fmt.Sprintf(`b=$(awk '/^btime/{print $2}' /proc/stat); [ "$b" -ge %d ] && [ "$b" -le "$(date +%%s)" ]`, begun.Unix()-1),
		"nobody may write them":       `for f in stat uptime loadavg; do ! echo 1 2>/dev/null >/proc/$f || exit 1; done`,
		"nothing lies about":          `[ ! -e /run/stat ] && [ ! -e /run/uptime ] && [ ! -e /run/loadavg ]`,
		"load":                        `[ "$(wc -w </proc/loadavg)" = 5 ] && [ "$(wc -l </proc/loadavg)" = 1 ] && read one rest </proc/loadavg && [ "${one%.*}" -lt 2 ]`,
	} {
		if out, code := inside(t, m, "exec 2>&1; "+line); code != 0 {
			t.Errorf("%s: exit code %d: %s", what, code, out)
		}
	}
}

func TestProcessorsOfASmallMachine(t *testing.T) {
	needSandbox(t)
	if runtime.NumCPU() < 2 {
		t.Skip("this host has one processor")
	}
	m := bootOf(t, local.Machine{ID: "i-0small", VCPUs: 1})
	if out, code := inside(t, m, "nproc"); code != 0 || out != "1" {
		t.Errorf("nproc: %q, %d", out, code)
	}
}
