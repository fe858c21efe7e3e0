//go:build unix

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

// budgets is the table that BenchmarkBudgets prints: what was measured, beside
// what it may be and what moto takes for the same.
type budgets struct {
	rows []string
	moto string // what there is to say of moto as a whole; empty: it was measured
}

// add adds a row. A budget of 0 is none; moto is its figure, or empty.
func (t *budgets) add(what string, measured, budget float64, unit, moto string) {
	limit, verdict := "", ""
	if budget > 0 {
		limit, verdict = fmt.Sprintf("%g %s", budget, unit), "ok"
		if measured > budget {
			verdict = "MISSED"
		}
	}
	t.rows = append(t.rows, strings.Join([]string{what, fmt.Sprintf("%.3g %s", measured, unit), limit, verdict, moto}, "\t"))
}

func (t *budgets) print(b *testing.B) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tmeasured\tbudget\t\tmoto")
	for _, row := range t.rows {
		fmt.Fprintln(w, row)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	fmt.Fprintln(&text, t.moto)
	fmt.Printf("\n%s\n", text.String())
}

// BenchmarkBudgets measures what was promised once and prints it as a table. It
// reports: nothing fails because a machine is slow.
func BenchmarkBudgets(b *testing.B) {
	for b.Loop() {
		t := &budgets{}
		measurePrograms(b, t)
		measureQuestions(b, t)
		measureList(b, t)
		measureCloud(b, t)
		measureLaunchCalls(b, t)
		measureLaunch(b, t)
		measureMachine(b, t)
		t.print(b)
	}
}

// measurePrograms runs the quickest commands.
func measurePrograms(b *testing.B, t *budgets) {
	for _, c := range []struct {
		program      string
		args         []string
		within, size float64 // milliseconds, megabytes
	}{{"spawn", []string{"version"}, 10, 30}, {"truffle", []string{"version"}, 0, 20}, {"truffle", []string{"search", "m7i.large"}, 20, 20}} {
		u := newUser(b, false)
		var took []time.Duration
		most := int64(0)
		for range 20 {
			cmd := u.command(c.program, c.args...)
			begun := time.Now()
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			took = append(took, time.Since(begun))
			if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				most = max(most, usage.Maxrss) // kilobytes on Linux
			}
		}
		info, err := os.Stat(filepath.Join(programs, c.program))
		if err != nil {
			b.Fatal(err)
		}
		name := c.program + " " + c.args[0]
		t.add(name, milliseconds(median(took)), c.within, "ms", "")
		t.add(name+", resident", float64(most)/1e3, 0, "MB", "")
		t.add(c.program+" on disk", float64(info.Size())/1e6, c.size, "MB", "")
	}
}

// measureLaunch launches into the sandbox, first with no cloud running and an
// empty account, then once more, and looks at what the second costs when idle.
func measureLaunch(b *testing.B, t *budgets) {
	u := newUser(b, false)
	launch := func(what, name string) bool {
		begun := time.Now()
		if r := u.try(nil, "spawn", "launch", "--local", "--instance-type", "t3.micro", "--ttl", "10m", "--name", name); r.code != 0 {
			t.rows = append(t.rows, fmt.Sprintf("%s\tnot measured: exit %d: %s", what, r.code, strings.ReplaceAll(strings.TrimSpace(r.stderr), "\n", " ")))
			return false
		}
		t.add(what, time.Since(begun).Seconds(), 0, "s", "")
		return true
	}
	if !launch("launch, cold: no cloud, empty account", "cold") || !launch("launch, warm", "warm") {
		return
	}
	if at := u.contact(); at.Runtime != "sandbox" {
		t.rows = append(t.rows, "an instance's agent and init\tnot measured: no sandbox here: "+at.RuntimeWhy)
		return
	}
	script := `for p in /proc/[0-9]*; do if [ "$(cat "$p/comm")" = spored ]; then awk '$1 == "VmRSS:" { print $2 }' "$p/status"; fi; done`
	var kilobytes float64
	if _, err := fmt.Sscan(u.do(nil, "spawn", "connect", "--local", "warm", "--", "sh", "-c", script), &kilobytes); err != nil {
		b.Fatal(err)
	}
	t.add("spored, resident", kilobytes/1e3, 0, "MB", "")
	inits := children(b, u.contact().PID)
	share, err := idle(5*time.Second, inits...)
	if err != nil {
		b.Fatal(err)
	}
	t.add("init of an idle sandbox, of a core", 100*share/float64(max(len(inits), 1)), 0.5, "%", "")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// children are the processes that one has started.
func children(b *testing.B, of int) (pids []int) {
	b.Helper()
	for _, pid := range descendants(b, of) {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
			if _, parent := parents(string(text)); parent == of {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// idle is the share of one core that processes use, while nobody asks them for
// anything.
func idle(during time.Duration, pids ...int) (float64, error) {
	before, err := used(pids)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	time.Sleep(during)
	after, err := used(pids)
	return (after - before).Seconds() / time.Since(begun).Seconds(), err
}

// used is the CPU time that processes have used.
func used(pids []int) (sum time.Duration, err error) {
	if runtime.GOOS != "linux" {
		return 0, errors.New("the CPU time of processes is read as Linux shows it")
	}
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, field := range fields[14-3 : 16-3] { // utime and stime, in hundredths
			var n time.Duration
			if _, err := fmt.Sscan(field, &n); err != nil {
				return 0, err
			}
			sum += n * 10 * time.Millisecond
		}
	}
	return sum, nil
}

// resident is the memory that a process has, in megabytes.
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kilobytes float64
	_, err = fmt.Sscan(rest, &kilobytes)
	return kilobytes / 1e3, err
}
