//go:build unix

package e2e_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

const localAccount = "123456789012" // of every local cloud

// unscripted are the permissions that no script needs, with the reason why they
// are in the documents all the same.
var unscripted = map[string]string{
	"FirstSpotInstance iam:CreateServiceLinkedRole": "EC2 asks for it once in the life of an account; the local cloud does not",
	"FirstSpotInstance iam:AWSServiceName":          "the same",
	"LeadToTheInternet ec2:DeleteRoute":             "of a gateway that somebody took away by hand; internal/account tests it, and in scripts terminate takes the network along",
	"TakeUnusedAway aws:ResourceTag/spawn:keep":     "no script keeps furniture that spawn made; internal/deadline tests the schedules",
	"DeleteRemains ec2:DeleteNetworkInterface":      "the local cloud's interfaces go with their instances; moto judges it",
}

// record is the tapes of the scripts' clouds, read before these are shut down.
type record struct {
	mu    sync.Mutex
	tapes map[string][]tape.Call // by script; empty where there was no cloud to the end
}

// keep reads the tape of a script's cloud.
func (r *record) keep(env *testscript.Env) error {
	script := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	calls, err := readTape(env.WorkDir)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tapes[script] = calls
	return err
}

func readTape(home string) ([]tape.Call, error) {
	text, err := os.ReadFile(filepath.Join(home, ".local/state/spawn/local/cloud.json"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	var at contact
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil {
		return nil, err
	}
	client := control.NewClient(at.Endpoint, at.SecretAccessKey)
	defer client.Close()
	return client.Tape(context.Background(), 0)
}

// complete tells whether every script has run: not where some were chosen.
func (r *record) complete(t *testing.T) bool {
	all, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return len(r.tapes) == len(all)
}

func (r *record) needs(principal string) (out []cloudtest.Need) {
	for script, calls := range r.tapes {
		out = append(out, cloudtest.Needs(script, principal, calls)...)
	}
	return out
}

// leastPrivilege compares what the documents allow with what the scripts needed.
// The agent's own role has a test of its own, beside its acts.
func (r *record) leastPrivilege(t *testing.T) {
	t.Helper()
	left := maps.Clone(unscripted)
	users := r.needs(":user/restricted")
	for _, c := range permissions.Capabilities() {
		cloudtest.LeastPrivilege(t, permissions.For(c, "aws", localAccount), users, unscripted, left)
	}
	schedules := r.needs(":assumed-role/" + permissions.SchedulerRole + "/")
	cloudtest.LeastPrivilege(t, permissions.Scheduler("aws", localAccount), schedules, unscripted, left)
	for what, why := range left {
		t.Errorf("%s is needed by a script, and no exception any more (%s)", what, why)
	}
}
