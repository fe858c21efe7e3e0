//go:build unix

package e2e_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// release is what scripts/install.sh downloads: files by their names.
type release map[string]string

// newRelease has two programs for this machine that tell their version.
func newRelease(version string) release {
	r := release{}
	for _, name := range []string{"spawn", "truffle"} {
		r[name+"-"+runtime.GOOS+"-"+runtime.GOARCH] = "#!/bin/sh\necho " + name + " " + version + "\n"
	}
	r["spawn-plan9-mips"] = "another platform's"
	r["SHA256SUMS"] = r.sums()
	return r
}

func (r release) sums() string {
	var sums strings.Builder
	for name, content := range r {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(content)), name)
	}
	return sums.String()
}

// installFrom runs the script with a shell against a server that has the release,
// in a home of its own. version is the one to ask for, or "".
func installFrom(t *testing.T, shell []string, r release, version, home string, env ...string) (said string, err error) {
	t.Helper()
	path := "/latest/download/"
	if version != "" {
		path = "/download/" + version + "/"
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		content, there := r[strings.TrimPrefix(req.URL.Path, path)]
		if !there {
			http.NotFound(w, req)
			return
		}
		fmt.Fprint(w, content)
	}))
	defer server.Close()
	script, err := filepath.Abs("../../scripts/install.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), shell[0], append(shell[1:], script)...)
	cmd.Env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "SPAWN_RELEASES=" + server.URL, "VERSION=" + version, "no_proxy=127.0.0.1"}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// installed are the names of what is in a folder.
func installed(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestInstallScript(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: scripts/install.sh is not tried")
	}
	for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		t.Run(shell[0], func(t *testing.T) {
			if _, err := exec.LookPath(shell[0]); err != nil {
				t.Skipf("%s is not installed", shell[0])
			}
			home := t.TempDir()
			bin := filepath.Join(home, ".local", "bin")
			if said, err := installFrom(t, shell, newRelease("1.0.0"), "", home); err != nil || !strings.Contains(said, "spawn 1.0.0") {
				t.Fatalf("%v: %s", err, said)
			}
			if got := installed(t, bin); strings.Join(got, " ") != "spawn truffle" {
				t.Errorf("in %s are %v", bin, got)
			}
			prefix := filepath.Join(t.TempDir(), "a place")
			if said, err := installFrom(t, shell, newRelease("2.0.0"), "v2.0.0", home, "PREFIX="+prefix); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			out, err := exec.CommandContext(t.Context(), filepath.Join(prefix, "bin", "truffle")).Output()
			if err != nil || string(out) != "truffle 2.0.0\n" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestInstallScriptRefuses whatever is not what the release states, and leaves
// what was there.
func TestInstallScriptRefuses(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: scripts/install.sh is not tried")
	}
	here := runtime.GOOS + "-" + runtime.GOARCH
	for name, c := range map[string]struct {
		spoil func(r release)
		says  string
	}{
		"a changed program":        {func(r release) { r["spawn-"+here] += "echo evil\n" }, "checksum"},
		"a changed second program": {func(r release) { r["truffle-"+here] += "echo evil\n" }, "checksum"},
		"a missing program":        {func(r release) { delete(r, "truffle-"+here) }, "cannot download"},
		"no checksums":             {func(r release) { delete(r, "SHA256SUMS") }, "cannot download"},
		"empty checksums":          {func(r release) { r["SHA256SUMS"] = "" }, "does not name spawn-" + here},
		"another file's checksum": {func(r release) {
			r["SHA256SUMS"] = strings.ReplaceAll(r["SHA256SUMS"], "spawn-"+here, "xspawn-"+here)
		}, "does not name spawn-" + here},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if said, err := installFrom(t, []string{"sh"}, newRelease("1.0.0"), "", home); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			spoiled := newRelease("2.0.0")
			c.spoil(spoiled)
			said, err := installFrom(t, []string{"sh"}, spoiled, "", home)
			if err == nil || !strings.Contains(said, c.says) {
				t.Errorf("%v: %s", err, said)
			}
			bin := filepath.Join(home, ".local", "bin")
			for _, program := range installed(t, bin) {
				out, err := exec.CommandContext(t.Context(), filepath.Join(bin, program)).Output()
				if err != nil || string(out) != program+" 1.0.0\n" {
					t.Errorf("%s is now %s, %v", program, out, err)
				}
			}
			if got := installed(t, bin); len(got) != 2 {
				t.Errorf("in the folder are %v", got)
			}
		})
	}
}
