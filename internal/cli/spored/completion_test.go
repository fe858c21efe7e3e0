package spored

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func completion(t *testing.T, shell string) string {
	t.Helper()
	var out, bad bytes.Buffer
	if exit := Main("1", []string{"completion", shell}, &out, &bad); exit != 0 || bad.Len() > 0 {
		t.Fatalf("%s: exit %d, %s", shell, exit, bad.String())
	}
	return out.String()
}

// TestEveryShellKnowsEveryCommand: the scripts are written by hand, and would
// not learn of a new command.
func TestEveryShellKnowsEveryCommand(t *testing.T) {
	commands := regexp.MustCompile(`(?m)^  spored (\w+)`).FindAllStringSubmatch(usage, -1)
	if len(commands) < 5 {
		t.Fatalf("the usage names %d commands", len(commands))
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		script := completion(t, shell)
		for _, c := range commands {
			if !regexp.MustCompile(`\b` + c[1] + `\b`).MatchString(script) {
				t.Errorf("%s does not complete %s", shell, c[1])
			}
		}
	}
}

func TestOtherShellsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", "../spored"}, {"completion", "bash", "zsh"}} {
		var out, bad bytes.Buffer
		if exit := Main("1", args, &out, &bad); exit != 2 || out.Len() > 0 || !strings.Contains(bad.String(), "fish") {
			t.Errorf("%v: exit %d, %q, %q", args, exit, out.String(), bad.String())
		}
	}
}

// TestBashCompletes asks bash for what a person sees after pressing the tab key.
func TestBashCompletes(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed: its completion is not tried")
	}
	script := completion(t, "bash") + `
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_spored
printf '%s\n' "${COMPREPLY[@]}"
`
	for line, want := range map[string]string{
		"spored sta":                 "status",
		"spored status --output j":   "json",
		"spored complete --":         "--status",
		"spored complete --status f": "failed",
		"spored completion p":        "powershell",
		"spored run ":                "",
	} {
		out, err := exec.CommandContext(t.Context(), "bash", append([]string{"-c", script, "bash"}, strings.Split(line, " ")...)...).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", line, got, err, want)
		}
	}
}

// TestFishAndZshReadTheirScripts where they are installed.
func TestFishAndZshReadTheirScripts(t *testing.T) {
	for _, shell := range []string{"fish", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("%s is not installed: it did not judge its script", shell)
			}
			if out, err := exec.CommandContext(t.Context(), shell, "-n", filepath.Join("completion", shell)).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
