//go:build unix

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestVerifyAWS runs scripts/verify-aws.sh against the local cloud: make
// verify-local. It takes minutes, which a schedule and the AWS command line need.
func TestVerifyAWS(t *testing.T) {
	if os.Getenv("SPAWN_E2E_VERIFY") == "" {
		t.Skip("not asked for: make verify-local")
	}
	needAgents(t)
	scripts, err := filepath.Abs("../../scripts")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/verify",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PATH", programs+":"+env.Getenv("PATH"))
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("SCRIPTS", scripts)
			env.Defer(func() {
				down := exec.Command(programs+"/spawn", "local", "down")
				down.Env = env.Vars
				if out, err := down.CombinedOutput(); err != nil {
					t.Errorf("spawn local down: %v\n%s", err, out)
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "seen": seen},
	})
}
