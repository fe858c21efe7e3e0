package bootstrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnits has systemd itself read the units as they are on an instance, with
// the programs that they name.
func TestUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	m := newMachine(t, "http://127.0.0.1:1")
	m.write("run/systemd/system/.keep", "")
	if _, err := m.run(hookFor(t, time.Now().Add(time.Hour)), []string{"INSTANCE_ID=i-0abc"}); err != nil {
		t.Fatal(err)
	}
	service, err := scripts.ReadFile("scripts/spored.service")
	if err != nil {
		t.Fatal(err)
	}
	m.write("etc/systemd/system/spored.service", string(service))
	m.write("usr/local/bin/spored", "#!/bin/sh\n")

	dir := t.TempDir()
	units, err := filepath.Glob(filepath.Join(m.root, "etc/systemd/system/*.*"))
	if err != nil || len(units) != 5 {
		t.Fatalf("the units are %v, %v", units, err)
	}
	var copies []string
	for _, unit := range units {
		b, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "/usr/local/", m.root+"/usr/local/")
		path := filepath.Join(dir, filepath.Base(unit))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, path)
	}
	out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, copies...)...).CombinedOutput()
	if about := linesAbout(string(out), dir, "spored", "spawn-deadline"); err != nil || about != "" {
		t.Errorf("%v\n%s", err, out)
	}

	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=50", filepath.Join(dir, "spored.service")).CombinedOutput()
	if strings.Contains(string(out), "unrecognized option") {
		t.Skip("this systemd-analyze cannot judge a file")
	}
	t.Logf("%s", out[max(0, len(out)-120):])
	if err != nil {
		t.Errorf("the unit is more exposed than 5.0 of 10: %v\n%s", err, out)
	}
}

// linesAbout are the lines that speak of one of the words: verify also speaks
// of the units of the machine that the test runs on.
func linesAbout(text string, words ...string) string {
	var about []string
	for _, line := range strings.Split(text, "\n") {
		for _, word := range words {
			if strings.Contains(line, word) {
				about = append(about, line)
				break
			}
		}
	}
	return strings.Join(about, "\n")
}
