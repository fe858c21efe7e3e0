//go:build unix

package e2e_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// need is a permission that the local cloud asked for in a script, with all that
// conditions could look at.
type need struct {
	script    string
	principal string
	policy.Request
}

// record is what the scripts' calls were checked for, read from the tapes of
// their clouds before these are shut down.
type record struct {
	mu    sync.Mutex
	needs []need
	ran   map[string]bool
}

// keep reads the tape of a script's cloud, if it has one that runs.
func (r *record) keep(env *testscript.Env) error {
	script := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran[script] = true
	text, err := os.ReadFile(filepath.Join(env.WorkDir, ".local/state/spawn/local/cloud.json"))
	if err != nil {
		return nil // it had none, or has ended it
	}
	var at contact
	if err := json.Unmarshal(text, &at); err != nil {
		return err
	}
	client := control.NewClient(at.Endpoint, at.SecretAccessKey)
	defer client.Close()
	calls, err := client.Tape(context.Background(), 0)
	if err != nil {
		return err
	}
	for _, call := range calls {
		r.add(script, call)
	}
	return nil
}

func (r *record) add(script string, call tape.Call) {
	for _, n := range call.Needs {
		r.needs = append(r.needs, need{script, call.Principal, policy.Request{Action: n.Action, Resource: n.Resource, Context: n.Context}})
	}
}

// of are the needs of principals whose ARN contains a text.
func (r *record) of(principal string) (out []need) {
	for _, n := range r.needs {
		if strings.Contains(n.principal, principal) {
			out = append(out, n)
		}
	}
	return out
}

// complete tells whether every script has run: not where some were chosen.
func (r *record) complete(t *testing.T) bool {
	all, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return len(r.ran) == len(all)
}
