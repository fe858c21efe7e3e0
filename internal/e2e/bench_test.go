//go:build unix

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The budgets of the programs: time and memory of the quickest commands, and
// sizes. Benchmarks report; no test fails because a machine is slow.

func BenchmarkSpawnVersion(b *testing.B) { benchCommand(b, "spawn", "version") }

func BenchmarkTruffleSearchOffline(b *testing.B) {
	benchCommand(b, "truffle", "search", "m7i.large", "--region", "us-east-1")
}

// benchCommand runs a program again and again and reports its size on disk and
// the most memory that it had.
func benchCommand(b *testing.B, program string, args ...string) {
	path := filepath.Join(programs, program)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	most := int64(0)
	for b.Loop() {
		cmd := exec.Command(path, args...)
		cmd.Env = []string{"HOME=" + b.TempDir()}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			most = max(most, usage.Maxrss) // kilobytes on Linux
		}
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB-on-disk")
	b.ReportMetric(float64(most)/1e3, "MB-resident")
}

// BenchmarkSporedResident launches an instance that boots and reads how much
// memory its agent has.
func BenchmarkSporedResident(b *testing.B) {
	home := b.TempDir()
	spawn := func(args ...string) string {
		cmd := exec.Command(filepath.Join(programs, "spawn"), args...)
		cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
		out, err := cmd.Output()
		if err != nil {
			b.Skipf("no instance boots here: spawn %q: %v", args, err)
		}
		return string(out)
	}
	b.Cleanup(func() { spawn("local", "down") })
	spawn("local", "up", "--runtime", "sandbox")
	spawn("launch", "--local", "--instance-type", "t3.micro", "--ttl", "10m", "--name", "bench")
	script := `for p in /proc/[0-9]*; do if [ "$(cat "$p/comm")" = spored ]; then awk '$1 == "VmRSS:" { print $2 }' "$p/status"; fi; done`
	var kilobytes float64
	for b.Loop() {
		n, err := strconv.ParseFloat(strings.TrimSpace(spawn("connect", "--local", "bench", "--", "sh", "-c", script)), 64)
		if err != nil {
			b.Fatal(err)
		}
		kilobytes = max(kilobytes, n)
	}
	b.ReportMetric(kilobytes/1e3, "MB-resident")
}
