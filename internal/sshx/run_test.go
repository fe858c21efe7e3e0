package sshx_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// effective asks the installed ssh what it makes of args.
func effective(t *testing.T, args []string) map[string]string {
	t.Helper()
	ssh := openSSH(t, "ssh")
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), ssh, append([]string{"-G", "-F", "none"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh refuses %q: %s, %v", args, stderr.String(), err)
	}
	values := map[string]string{}
	for l := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(l), " ")
		if _, there := values[key]; !there { // the first one counts
			values[key] = value
		}
	}
	return values
}

func target() sshx.Target {
	return sshx.Target{User: "ec2-user", Host: "203.0.113.7", KeyPath: "/home/ada/.ssh/id_rsa", KnownHosts: "/home/ada/known/i-0123", Alias: "i-0123"}
}

func TestArgsMeanToSSHWhatTheyShould(t *testing.T) {
	for _, command := range [][]string{nil, {"uptime"}, {"-v", "-o", "ProxyCommand=touch pwned"}} {
		got := effective(t, sshx.Args(target(), command))
		for key, want := range map[string]string{
			"user":                  "ec2-user",
			"hostname":              "203.0.113.7",
			"identityfile":          "/home/ada/.ssh/id_rsa",
			"identitiesonly":        "yes",
			"userknownhostsfile":    "/home/ada/known/i-0123",
			"hostkeyalias":          "i-0123",
			"stricthostkeychecking": "accept-new",
			"proxycommand":          "",
			"loglevel":              "INFO",
		} {
			if got[key] != want {
				t.Errorf("command %q: %s is %q, want %q", command, key, got[key], want)
			}
		}
	}
}

func TestPathsReachSSHWhole(t *testing.T) {
	for _, path := range []string{"/a b/k", `/a"b/k`, "/a'b/k", `/a\b/k`, "/ü/世/k", "/#/k", "/a=b/k"} {
		to := target()
		to.KnownHosts, to.KeyPath = path, path
		got := effective(t, sshx.Args(to, nil))
		if got["userknownhostsfile"] != path || got["identityfile"] != path {
			t.Errorf("%q became %q and %q", path, got["userknownhostsfile"], got["identityfile"])
		}
	}
	// ssh -G shows tokens before they are expanded.
	to := target()
	to.KnownHosts = "/100%h/k"
	if got := effective(t, sshx.Args(to, nil))["userknownhostsfile"]; got != "/100%%h/k" && got != "/100%h/k" {
		t.Errorf("a percent sign became %q", got)
	}
}

func TestArgsWithoutWhatIsNotGiven(t *testing.T) {
	args := sshx.Args(sshx.Target{User: "u", Host: "h", KnownHosts: "/k"}, nil)
	for _, arg := range args {
		for _, absent := range []string{"IdentityFile", "IdentitiesOnly", "HostKeyAlias"} {
			if strings.HasPrefix(arg, absent) {
				t.Errorf("%s in %q", arg, args)
			}
		}
	}
	if slices.Contains(args, "-t") {
		t.Errorf("a terminal in %q", args)
	}
	to := target()
	to.TTY = true
	if args := sshx.Args(to, []string{"top"}); !slices.Contains(args, "-t") {
		t.Errorf("no terminal in %q", args)
	}
}

// What follows the host reaches the remote shell as it stands, two dashes
// included.
func TestOnlyTheCommandFollowsTheHost(t *testing.T) {
	for _, command := range [][]string{{"id", "-un"}, {"-v"}} {
		args := sshx.Args(target(), command)
		last, host := args[len(args)-1], args[len(args)-2]
		if host != "ec2-user@203.0.113.7" || strings.HasPrefix(last, "-") {
			t.Errorf("the remote shell of %q runs %q", host, last)
		}
	}
}

// A shell must find the very words that were given, and nothing to do in them.
func TestAShellSplitsTheCommandIntoTheSameWords(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	split := func(line string) []string {
		script := `printf '%s\0' ` + line
		out, err := exec.CommandContext(t.Context(), shell, "-c", script).Output()
		if err != nil {
			t.Fatalf("sh refuses %q: %v", line, err)
		}
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	for _, words := range [][]string{
		{"uptime"},
		{"a b", "c"},
		{""},
		{"", ""},
		{"it's"},
		{"''"},
		{"$HOME", "$(id)", "`id`"},
		{"a;b", "a|b", "a&b", "a>b", "a<b"},
		{"*", "?", "[a]", "~", "~root"},
		{"a\nb"},
		{"\\"},
		{"\\'"},
		{`"`},
		{"#x"},
		{"!!"},
		{"{a,b}"},
		{"-rf"},
		{"a=b"},
		{"ü世"},
		{"\t"},
	} {
		if diff := cmp.Diff(words, split(sshx.QuoteCommand(words))); diff != "" {
			t.Errorf("%q: %s", words, diff)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching("[ -~\n\tü世]{0,12}")
		words := rapid.SliceOfN(word, 1, 4).Draw(t, "words")
		if diff := cmp.Diff(words, split(sshx.QuoteCommand(words))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// fake makes a program that stands in for ssh.
func fake(t *testing.T, script string) string {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("there is no /bin/sh")
	}
	path := filepath.Join(t.TempDir(), "ssh")
	if err := files.WriteProgram(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	var out, errOut bytes.Buffer
	exit, err := sshx.Run(t.Context(), fake(t, `cat; echo "$2" >&2; exit 42`), []string{"a", "b c"}, sshx.Streams{In: strings.NewReader("input"), Out: &out, Err: &errOut})
	if exit != 42 || err != nil {
		t.Errorf("exit %d, %v", exit, err)
	}
	if out.String() != "input" || errOut.String() != "b c\n" {
		t.Errorf("out %q, err %q", out.String(), errOut.String())
	}
	if exit, err := sshx.Run(t.Context(), fake(t, `exit 0`), nil, sshx.Streams{}); exit != 0 || err != nil {
		t.Errorf("exit %d, %v", exit, err)
	}
	if exit, err := sshx.Run(t.Context(), fake(t, `kill -TERM $$`), nil, sshx.Streams{}); exit != 143 || err != nil {
		t.Errorf("exit %d, %v", exit, err)
	}
	if exit, err := sshx.Run(t.Context(), "no-such-program-anywhere", nil, sshx.Streams{}); exit == 0 || !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("exit %d, %v", exit, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	exit, err := sshx.Run(ctx, fake(t, `exec sleep 60`), nil, sshx.Streams{})
	if exit == 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("exit %d, %v", exit, err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestKnownHosts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	one, err := sshx.KnownHosts(dir, "i-0123456789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := sshx.KnownHosts(dir, "i-0123456789abcdef1")
	if err != nil || one == other {
		t.Fatalf("%s and %s, %v", one, other, err)
	}
	if err := os.WriteFile(one, []byte("x"), 0o600); err != nil { // the folder is there
		t.Fatal(err)
	}
	for range 2 {
		if err := sshx.ForgetHost(dir, "i-0123456789abcdef0"); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(one); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is remembered: %v", err)
	}
	for _, id := range []string{"", "i-", "i-../x", "../i-1", "sg-1", "i-1/../../x", "i-XYZ"} {
		if path, err := sshx.KnownHosts(dir, id); err == nil {
			t.Errorf("%q is remembered at %s", id, path)
		}
		if err := sshx.ForgetHost(dir, id); err == nil {
			t.Errorf("%q was forgotten", id)
		}
	}
}
