package spored

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCommandTellsOfItself and refuses what it does not take, with the cause
// and the next step, before it speaks with anybody.
func TestEveryCommandTellsOfItself(t *testing.T) {
	run := func(args ...string) (exit int, stdout, stderr string) {
		var out, bad bytes.Buffer
		exit = Main("1.2.3", args, &out, &bad)
		return exit, out.String(), bad.String()
	}
	commands := regexp.MustCompile(`(?m)^  spored (\w+)`).FindAllStringSubmatch(usage, -1)
	if len(commands) < 7 {
		t.Fatalf("of the commands only %q were found", commands)
	}
	for _, c := range commands {
		for _, flag := range []string{"--help", "-h"} {
			if exit, out, bad := run(c[1], flag); exit != 0 || !strings.Contains(out, "spored "+c[1]) || bad != "" {
				t.Errorf("spored %s %s exited with %d: %s%s", c[1], flag, exit, out, bad)
			}
		}
		for _, args := range [][]string{{c[1], "--no-such-flag"}, {c[1], "too", "many", "arguments"}} {
			exit, out, bad := run(args...)
			if lines := strings.Split(strings.TrimSpace(bad), "\n"); exit != 2 || out != "" || len(lines) != 2 || !strings.HasPrefix(lines[1], "  next: ") {
				t.Errorf("spored %q exited with %d: %s%s", args, exit, out, bad)
			}
		}
	}
	for _, args := range [][]string{{"status", "-o", "xml"}, {"config", "-o", "xml"}, {"complete", "--status", "fine"}, {"keepalive", "banana"}, {"keepalive"}, {"completion"}, {"completion", "tcsh"}, {"fly"}, nil} {
		if exit, out, bad := run(args...); exit != 2 || out != "" || !strings.Contains(bad, "\n  next: ") {
			t.Errorf("spored %q exited with %d: %s%s", args, exit, out, bad)
		}
	}
}

func TestCommands(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		exit   int
		stdout string
	}{
		"version":      {[]string{"version"}, 0, "1.2.3"},
		"help":         {[]string{"--help"}, 0, "spored run"},
		"nothing":      {nil, 2, ""},
		"unknown":      {[]string{"extend"}, 2, ""},
		"unknown flag": {[]string{"version", "--json"}, 2, ""},
		"run too much": {[]string{"run", "now"}, 2, ""},
		"too little":   {[]string{"keepalive"}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if exit := Main("1.2.3", c.args, &stdout, &stderr); exit != c.exit {
				t.Errorf("exit code %d, want %d", exit, c.exit)
			}
			if !strings.Contains(stdout.String(), c.stdout) {
				t.Errorf("stdout is %q, want %q in it", stdout.String(), c.stdout)
			}
			if (stderr.Len() > 0) != (c.exit != 0) {
				t.Errorf("exit code %d with stderr %q", c.exit, stderr.String())
			}
		})
	}
}
