package sense

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// seeds adds what the machines of testdata have in a file.
func seeds(f *testing.F, name string) {
	f.Helper()
	for _, machine := range []string{"firecracker-2-recorded", "xen-1-no-credits", "broken-stat", "nitro-4-containers-talk"} {
		archive, err := txtar.ParseFile("testdata/machines/" + machine + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, name) {
				f.Add(file.Data)
			}
		}
	}
}

// Whatever stands in /proc/stat, two readings of it give a use that is a number
// and not negative, or none.
func FuzzStat(f *testing.F) {
	seeds(f, "/stat")
	f.Fuzz(func(t *testing.T, b []byte) {
		now, err := parseStat(b)
		if err != nil {
			return
		}
		for _, before := range []cpuTimes{{}, now, {user: math.MaxUint64, idle: math.MaxUint32}} {
			s, ok := now.since(before, 10*time.Second)
			for _, seconds := range []float64{s.work, s.stolen, s.waiting} {
				if ok && (math.IsNaN(seconds) || seconds < 0 || seconds > float64(20*max(now.processors, 1)+1)) {
					t.Fatalf("%v seconds in ten, of %d processors", seconds, now.processors)
				}
			}
		}
	})
}

func FuzzVMStat(f *testing.F) {
	seeds(f, "/vmstat")
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = parseVMStat(b) }) // it must not panic
}

func FuzzNetDev(f *testing.F) {
	seeds(f, "/net/dev")
	f.Fuzz(func(t *testing.T, b []byte) {
		interfaces, err := parseNetDev(b)
		if err != nil {
			return
		}
		for name := range interfaces {
			if name == "lo" || name == "" || strings.ContainsAny(name, ":\n") {
				t.Errorf("an interface is called %q", name)
			}
		}
	})
}

func FuzzProcess(f *testing.F) {
	if b, err := os.ReadFile("/proc/self/stat"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("71 (bash) S 1 (1)) S 70 71 71 34817 71 4194560 1 2 3 4 5 6 7 8 20 0 1 0 171 1 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseProcess(b)
		if err == nil && p.tty > math.MaxUint32 {
			t.Errorf("its terminal is %d", p.tty)
		}
	})
}

func FuzzGPUs(f *testing.F) {
	f.Add([]byte("0\n100\n[N/A]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		count, busiest, _, err := parseGPUs(b)
		if err == nil && (count == 0 || busiest > 100) {
			t.Errorf("%d GPUs, the busiest at %d %%", count, busiest)
		}
	})
}

// FuzzAdvance: a counter never goes forward by more than half of its range
// without being there.
func FuzzAdvance(f *testing.F) {
	f.Add(uint64(math.MaxUint32), uint64(5))
	f.Add(uint64(math.MaxUint64), uint64(5))
	f.Add(uint64(5), uint64(3))
	f.Fuzz(func(t *testing.T, before, now uint64) {
		delta, ok := advance(before, now)
		switch {
		case !ok && delta != 0:
			t.Errorf("from %d to %d: %d, and lost", before, now, delta)
		case ok && now < before && delta > math.MaxUint64/2:
			t.Errorf("from %d back to %d: %d", before, now, delta)
		}
	})
}
