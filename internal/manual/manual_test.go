package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spored"
)

// docs are the pages that people read in the repository.
const docs = "../../docs/commands"

func TestThePagesAreCurrent(t *testing.T) {
	t.Setenv("SPAWN_LOCAL", "") // it is a flag's default
	fresh := t.TempDir()
	if err := writePages(fresh); err != nil {
		t.Fatal(err)
	}
	want := contents(t, fresh)
	if os.Getenv("SPAWN_WRITE_DOCS") != "" {
		if err := os.RemoveAll(docs); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := write(filepath.Join(docs, name), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(contents(t, docs), want); diff != "" {
		t.Errorf("docs/commands differs from what the commands say (- docs, + commands); write it with SPAWN_WRITE_DOCS=1 go test ./internal/manual:\n%s", diff)
	}
}

// TestTheAgentsCommandsAreTold: spored has its commands without the library that
// the pages are made of.
func TestTheAgentsCommandsAreTold(t *testing.T) {
	var usage, bad bytes.Buffer
	if exit := spored.Main("", []string{"help"}, &usage, &bad); exit != 0 {
		t.Fatalf("exit %d: %s", exit, bad.String())
	}
	want := map[string]bool{}
	for _, c := range regexp.MustCompile(`(?m)^  spored (\w+)`).FindAllStringSubmatch(usage.String(), -1) {
		want[c[1]] = true
	}
	got := map[string]bool{}
	for _, c := range agent().Commands() {
		got[c.Name()] = true
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("- spored help, + its pages:\n%s", diff)
	}
}

func TestMarkdownKeepsWhatIsIndented(t *testing.T) {
	got := markdown("It takes a * or <name>:\n  spawn list * <name>\nand more.")
	want := "It takes a \\* or \\<name>:\n\n    spawn list * <name>\n\nand more."
	if got != want {
		t.Errorf("%q", got)
	}
}

// TestAnInstallationIsTheSameEveryTime, and has a page and a script for
// everything.
func TestAnInstallationIsTheSameEveryTime(t *testing.T) {
	t.Setenv("SPAWN_LOCAL", "")
	first, second := t.TempDir(), t.TempDir()
	made := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for _, dir := range []string{first, second} {
		if err := install(dir, "1.2.3", made); err != nil {
			t.Fatal(err)
		}
	}
	files := contents(t, first)
	if diff := cmp.Diff(files, contents(t, second)); diff != "" {
		t.Error(diff)
	}
	for _, p := range programs() {
		for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
			if place := completionPlace(shell, p.command.Name()); files[place] == "" {
				t.Errorf("%s is missing", place)
			}
		}
		each(p.command, func(c *cobra.Command) {
			if place := "man/man1/" + strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1.gz"; files[place] == "" {
				t.Errorf("%s is missing", place)
			}
		})
	}
	judgeScripts(t, first)
}

// judgeScripts lets the shells that are installed read what is meant for them.
func judgeScripts(t *testing.T, share string) {
	for shell, places := range map[string]string{"bash": "bash-completion/completions/*", "zsh": "zsh/site-functions/*", "fish": "fish/vendor_completions.d/*"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not installed: it did not judge its scripts", shell)
			continue
		}
		scripts, err := filepath.Glob(filepath.Join(share, places))
		if err != nil || len(scripts) != 3 {
			t.Errorf("%s: %v, %v", shell, scripts, err)
		}
		for _, script := range scripts {
			if out, err := exec.CommandContext(t.Context(), shell, "-n", script).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", script, err, out)
			}
		}
	}
}

// contents are the files below a folder, by their names there.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
