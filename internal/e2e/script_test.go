//go:build unix

package e2e_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// TestScripts runs the sessions in testdata/script. Each has a home of its own,
// knows no AWS account, and may do in its local cloud what
// docs/iam-permissions.md tells people to ask for. When all of them have run,
// what is said there is compared with what they needed.
func TestScripts(t *testing.T) {
	needAgents(t)
	scripts, err := filepath.Abs("../../scripts")
	if err != nil {
		t.Fatal(err)
	}
	calls := record{tapes: map[string][]tape.Call{}}
	t.Cleanup(func() { // when all have ended, which go on beside each other
		if !t.Failed() && calls.complete(t) {
			calls.leastPrivilege(t)
		}
	})
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PATH", programs+":"+env.Getenv("PATH"))
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("SCRIPTS", scripts)
			env.Defer(func() {
				if err := calls.keep(env); err != nil {
					t.Errorf("read the tape: %v", err)
				}
				down := exec.Command(programs+"/spawn", "local", "down")
				down.Env = env.Vars
				if out, err := down.CombinedOutput(); err != nil {
					t.Errorf("spawn local down: %v\n%s", err, out)
				}
			})
			return documented(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "waits": waits, "attributes": attributes, "reserve": reserve, "occupy": occupy, "seen": seen, "restrict": restrict, "advance": advance,
			"nodefaultvpc": noDefaultVPC, "network": network, "keypair": keyPair, "ami": ami, "outlive": outlive, "nogateway": noGateway, "leave": leave, "recipe": recipe,
		},
	})
}

// exits runs a program and wants its exit code: exits 2 spawn launch.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits <code> program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exited with %d, want %d", got, want)
	}
}

// waits runs a program again and again until it succeeds and says something, for
// so long at most: waits 30s 'pattern' spawn status box. An instance takes its
// time.
func waits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: waits <duration> <pattern> program [args...]")
	}
	patience, err := time.ParseDuration(args[0])
	ts.Check(err)
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	for until := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		err := ts.Exec(args[2], args[3:]...)
		switch said := ts.ReadFile("stdout"); {
		case err == nil && pattern.MatchString(said):
			return
		case time.Now().After(until):
			ts.Fatalf("in %s it did not say %s, but: %s (%v)", args[0], args[1], said, err)
		}
	}
}
