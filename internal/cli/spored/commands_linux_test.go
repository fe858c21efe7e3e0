package spored

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/control"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// fake is an agent to speak with.
type fake struct {
	completed chan core.Completion
	kept      chan time.Duration
}

func (fake) Status() control.Status {
	return control.Status{Now: noon, Instance: "i-0abc", Deadline: lifecycle.DeadlineAt(noon.Add(time.Hour))}
}

func (fake) Config() control.Config {
	return control.Config{Settings: []control.Setting{{Name: "deadline", Value: "x", From: "y"}}}
}

func (f fake) Complete(c core.Completion) error { f.completed <- c; return nil }

func (f fake) Keepalive(d time.Duration) (time.Time, error) { f.kept <- d; return noon.Add(d), nil }

// speaking is an agent, and a way to run commands against it.
func speaking(t *testing.T) (fake, func(args ...string) (exit int, stdout, stderr string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control.sock")
	server, err := control.Listen(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := fake{completed: make(chan core.Completion, 9), kept: make(chan time.Duration, 9)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { server.Serve(ctx, f); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return f, func(args ...string) (int, string, string) { return runCommand(path, args) }
}

func runCommand(path string, args []string) (exit int, stdout, stderr string) {
	var out, bad bytes.Buffer
	exit = asker{client: control.Client{Path: path}, stdout: &out, stderr: &bad}.ask(args[0], args[1:])
	return exit, out.String(), bad.String()
}

func TestStatusAsJSON(t *testing.T) {
	_, run := speaking(t)
	for _, args := range [][]string{{"status", "-o", "json"}, {"status", "--output=json"}} {
		exit, out, bad := run(args...)
		var got struct {
			InstanceID  string `json:"instance_id"`
			LeftSeconds *int64 `json:"left_seconds"`
			Signals     any    `json:"signals"`
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || exit != 0 || bad != "" {
			t.Fatalf("%v: exit %d, %v, %s", args, exit, err, bad)
		}
		if got.InstanceID != "i-0abc" || got.LeftSeconds == nil || *got.LeftSeconds != 3600 || got.Signals != nil {
			t.Errorf("%v: %s", args, out)
		}
	}
	if exit, out, _ := run("config", "-o", "json"); exit != 0 || !json.Valid([]byte(out)) {
		t.Errorf("config: exit %d, %s", exit, out)
	}
}

func TestCommandsReachTheAgent(t *testing.T) {
	f, run := speaking(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"complete"}, "ok"},
		{[]string{"complete", "--status", "failed"}, "failed"},
	} {
		if exit, _, bad := run(c.args...); exit != 0 {
			t.Fatalf("%v: exit %d, %s", c.args, exit, bad)
		}
		if got := <-f.completed; got.Status != c.want {
			t.Errorf("%v: the agent heard %q", c.args, got.Status)
		}
	}
	if exit, out, _ := run("keepalive", "30m"); exit != 0 || !strings.Contains(out, "2026-11-23T12:30:00Z") {
		t.Errorf("keepalive: exit %d, %s", exit, out)
	}
	if got := <-f.kept; got != 30*time.Minute {
		t.Errorf("the agent heard %s", got)
	}
}

func TestCommandsThatAreNotUnderstood(t *testing.T) {
	f, run := speaking(t)
	for _, args := range [][]string{
		{"status", "-o", "yaml"},
		{"status", "now"},
		{"status", "--verbose"},
		{"status", "-h"},
		{"config", "x"},
		{"complete", "--status", "maybe"},
		{"complete", "failed"},
		{"keepalive"},
		{"keepalive", "soon"},
		{"keepalive", "30"},
		{"keepalive", "30m", "1h"},
	} {
		exit, out, bad := run(args...)
		if exit != 2 || out != "" || bad == "" {
			t.Errorf("%v: exit %d, %q, %q", args, exit, out, bad)
		}
	}
	if len(f.completed)+len(f.kept) != 0 {
		t.Error("the agent was told something")
	}
}

// TestNoAgent: the commands say so, with an exit code of its own.
func TestNoAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	for _, args := range [][]string{{"status"}, {"status", "-o", "json"}, {"config"}, {"complete"}, {"keepalive", "30m"}} {
		exit, out, bad := runCommand(path, args)
		if exit != 6 || out != "" || !strings.Contains(bad, "not running") || !strings.Contains(bad, "next:") {
			t.Errorf("%v: exit %d, %q, %q", args, exit, out, bad)
		}
	}
}
