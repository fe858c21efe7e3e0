//go:build unix

package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/root"
	"github.com/spawn-ec2/spawn/internal/cli/truffle"
)

// trees are the commands of the two programs, as they tell of themselves. spored
// has its own test.
func trees() []*cobra.Command {
	all := []*cobra.Command{
		root.New(&factory.Factory{}),
		truffle.New(truffle.Factory{Env: func(string) string { return "" }, Now: time.Now}),
	}
	for _, tree := range all {
		tree.InitDefaultHelpCmd()
	}
	return all
}

// commands are a command and all below it that are not hidden.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			all = append(all, commands(sub)...)
		}
	}
	return all
}

// TestEveryFlagHasAScript holds that every command is run with success by a
// script, and every flag of it is given in one: a flag that no script gives has
// an effect that nobody has seen.
func TestEveryFlagHasAScript(t *testing.T) {
	all := trees()
	ran := scripted(t, all)
	for _, tree := range all {
		for _, cmd := range commands(tree) {
			given := []map[string]bool{ran[cmd.CommandPath()]}
			if !given[0][""] {
				t.Errorf("no script runs %s with success", cmd.CommandPath())
			}
			if cmd.CommandPath() == "spawn" { // its flags are those of launch, by construction
				given = append(given, ran["spawn launch"])
			}
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
				seen := slices.ContainsFunc(given, func(g map[string]bool) bool { return g[f.Name] })
				if f.Name != "help" && !f.Hidden && !seen {
					t.Errorf("no script runs %s --%s", cmd.CommandPath(), f.Name)
				}
			})
		}
	}
}

// TestEveryCommand holds what is true of each: it tells of itself on standard
// output, and what it does not understand is refused with the cause and the next
// step on standard error, before anything is made.
func TestEveryCommand(t *testing.T) {
	u := newUser(t, false, "SPAWN_LOCAL=1") // who reached for a cloud would start one, and leave a trace
	for _, tree := range trees() {
		for _, cmd := range commands(tree) {
			words := strings.Fields(cmd.CommandPath())
			run := func(args ...string) result { return u.try(nil, words[0], slices.Concat(words[1:], args)...) }
			if r := run("--help"); r.code != 0 || !strings.Contains(r.stdout, "Usage:") || r.stderr != "" || strings.Contains(r.stdout, "\x1b") {
				t.Errorf("%s --help exited with %d: %s%s", cmd.CommandPath(), r.code, r.stdout, r.stderr)
			}
			for _, args := range misunderstood(cmd) {
				refused(t, cmd.CommandPath()+" "+strings.Join(args, " "), run(args...))
			}
		}
	}
	if left, err := os.ReadDir(u.home); err != nil || len(left) > 0 {
		t.Errorf("what was refused left %v, %v", left, err)
	}
}

// misunderstood are ways to give a command what it does not take.
func misunderstood(cmd *cobra.Command) [][]string {
	all := [][]string{{"--no-such-flag"}}
	if cmd.Flags().Lookup("output") != nil {
		arguments := make([]string, strings.Count(cmd.Use, "<"))
		for i := range arguments {
			arguments[i] = "m7i.large"
		}
		all = append(all, append(arguments, "--output", "nonsense"))
	}
	if strings.Contains(cmd.Use, "<") {
		all = append(all, nil)
	}
	if !strings.Contains(cmd.Use, "...") {
		all = append(all, []string{"too", "many", "arguments"})
	}
	return all
}

// refused judges the answer to what was not understood.
func refused(t *testing.T, line string, r result) {
	t.Helper()
	cause, next, found := strings.Cut(strings.TrimSpace(r.stderr), "\n")
	if r.code != 2 || r.stdout != "" || cause == "" || strings.HasSuffix(cause, ".") || !found || !strings.HasPrefix(next, "  next: ") || strings.Contains(r.stderr, "\x1b") {
		t.Errorf("%s exited with %d:\n%s%s", line, r.code, r.stdout, r.stderr)
	}
}

// inPipes is what each command that has forms is given to show something.
var inPipes = map[string]string{
	"spawn":             "--instance-type t3.micro --no-wait",
	"spawn cleanup":     "--dry-run",
	"spawn config list": "",
	"spawn cost":        "",
	"spawn doctor":      "",
	"spawn launch":      "--instance-type t3.micro --count 2 --no-wait",
	"spawn list":        "",
	"spawn status":      "box",
	"spawn uninstall":   "--dry-run",
	"truffle az":        "t3.micro",
	"truffle capacity":  "--local --blocks --instance-types p5.48xlarge",
	"truffle compare":   "t3.micro m7i.large",
	"truffle describe":  "t3.micro",
	"truffle find":      "t3.micro",
	"truffle regions":   "",
	"truffle search":    "t3.* --local",
	"truffle spot":      "t3.micro",
}

// TestPipes holds that a pipe gets nothing but data, of whatever command: JSON is
// JSON, and neither stream has an escape code.
func TestPipes(t *testing.T) {
	needAgents(t)
	t.Parallel()
	u := newUser(t, false, "SPAWN_LOCAL=1")
	u.do(nil, "spawn", "local", "up", "--runtime", "none")
	u.do(nil, "spawn", "launch", "--instance-type", "t3.micro", "--name", "box", "--no-wait")
	for _, tree := range trees() {
		for _, cmd := range commands(tree) {
			if cmd.Flags().Lookup("output") == nil {
				continue
			}
			given, known := inPipes[cmd.CommandPath()]
			if !known {
				t.Errorf("of %s it is not known what to give it", cmd.CommandPath())
			}
			words := append(strings.Fields(cmd.CommandPath()), strings.Fields(given)...)
			for _, form := range []string{"", "json"} {
				args := words[1:]
				if form != "" {
					args = slices.Concat(args, []string{"--output", form})
				}
				r := u.try(nil, words[0], args...)
				if r.code != 0 || strings.Contains(r.stdout+r.stderr, "\x1b") || form == "json" && !json.Valid([]byte(r.stdout)) {
					t.Errorf("%s %q exited with %d:\n%s%s", words[0], args, r.code, r.stdout, r.stderr)
				}
			}
		}
	}
}

// TestClosedPipe reads a line and no more: who writes on ends without a word.
func TestClosedPipe(t *testing.T) {
	u := newUser(t, false)
	for _, line := range []string{"truffle search '*' --region all -o ndjson", "truffle regions -o csv", "truffle --help", "spawn completion bash"} {
		cmd := u.command("sh", "-c", line+" | head -n 1")
		cmd.Path, cmd.Err = "/bin/sh", nil
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil || stderr.String() != "" || strings.Count(stdout.String(), "\n") != 1 {
			t.Errorf("%s: %v: %s%s", line, err, stdout.String(), stderr.String())
		}
	}
}

// scripted are, by command, the flags that scripts run it with, and "" for
// having run it with success.
func scripted(t *testing.T, trees []*cobra.Command) map[string]map[string]bool {
	t.Helper()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	ran := map[string]map[string]bool{}
	for _, path := range scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			for command, flags := range runs(trees, line) {
				if ran[command] == nil {
					ran[command] = map[string]bool{}
				}
				for flag, seen := range flags {
					ran[command][flag] = ran[command][flag] || seen
				}
			}
		}
	}
	return ran
}

// parts are what a shell would run one after the other, or beside each other.
var parts = regexp.MustCompile(`\|\||&&|[|;]|\$\(`)

// runs are the commands that a line of a script runs, with their flags.
func runs(trees []*cobra.Command, line string) map[string]map[string]bool {
	succeeds := strings.HasPrefix(line, "exec ") || strings.HasPrefix(line, "waits ")
	if !succeeds && !strings.HasPrefix(line, "exits ") && !strings.HasPrefix(line, "! exec ") {
		return nil
	}
	ran := map[string]map[string]bool{}
	for _, part := range parts.Split(line, -1) {
		words := strings.Fields(strings.NewReplacer("'", " ", `"`, " ", "(", " ", ")", " ").Replace(part))
		for _, tree := range trees {
			at := slices.Index(words, tree.Name())
			if at < 0 {
				continue
			}
			cmd, args, flags := tree, words[at+1:], map[string]bool{"": succeeds}
			for _, word := range args {
				if word == "--" {
					break
				}
				if sub := child(cmd, word); sub != nil {
					cmd = sub
				}
			}
			for _, word := range args {
				if word == "--" {
					break
				}
				if f := flagOf(cmd, word); f != nil {
					flags[f.Name] = true
				}
			}
			ran[cmd.CommandPath()] = flags
		}
	}
	return ran
}

func child(cmd *cobra.Command, word string) *cobra.Command {
	for _, sub := range cmd.Commands() {
		if sub.Name() == word || sub.HasAlias(word) {
			return sub
		}
	}
	return nil
}

func flagOf(cmd *cobra.Command, word string) *pflag.Flag {
	name, _, _ := strings.Cut(word, "=")
	switch {
	case strings.HasPrefix(name, "--"):
		if f := cmd.Flags().Lookup(name[2:]); f != nil {
			return f
		}
		return cmd.InheritedFlags().Lookup(name[2:])
	case strings.HasPrefix(name, "-") && len(name) == 2:
		return cmd.Flags().ShorthandLookup(name[1:])
	}
	return nil
}
