//go:build unix

package e2e_test

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the sessions in testdata/script. Each has a home of its own
// and knows no AWS account.
func TestScripts(t *testing.T) {
	needAgents(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PATH", programs+":"+env.Getenv("PATH"))
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Defer(func() {
				down := exec.Command(programs+"/spawn", "local", "down")
				down.Env = env.Vars
				if out, err := down.CombinedOutput(); err != nil {
					t.Errorf("spawn local down: %v\n%s", err, out)
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "attributes": attributes, "reserve": reserve, "occupy": occupy, "seen": seen, "restrict": restrict, "advance": advance,
			"nodefaultvpc": noDefaultVPC, "network": network, "keypair": keyPair, "ami": ami, "leave": leave,
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
