package spored

import (
	"bytes"
	"strings"
	"testing"
)

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
