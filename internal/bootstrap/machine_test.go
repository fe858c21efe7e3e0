package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/files"
)

// machine is a root folder with a command path of its own, in which the
// scripts run for real. Whatever could touch the machine that the test runs on
// is replaced by a stand-in that writes down how it was called.
type machine struct {
	t        *testing.T
	root     string
	bin      string
	metadata string
}

// tools are the commands that the scripts use and that may do their work in a
// test.
var tools = []string{
	"sh", "cat", "chmod", "curl", "date", "grep", "gunzip", "gzip", "head", "mkdir", "mktemp", "mv", "rm",
	"base64", "id", "paste", "sed", "sha256sum", "sleep", "tail", "tee", "timeout", "touch", "tr",
}

// newMachine skips the test where a tool is missing.
func newMachine(t *testing.T, metadata string, without ...string) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir(), bin: t.TempDir(), metadata: metadata}
	missing := map[string]bool{}
	for _, tool := range without {
		missing[tool] = true
	}
	for _, tool := range tools {
		if missing[tool] {
			continue
		}
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Skipf("%s is not installed", tool)
		}
		if err := os.Symlink(path, filepath.Join(m.bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for _, stand := range []string{"poweroff", "reboot", "systemctl", "systemd-detect-virt", "setsid", "nohup", "wall", "power-button", "nft", "chgrp"} {
		m.write(filepath.Join(m.bin, stand), "#!/bin/sh\necho \"$*\" >> '"+m.calls(stand)+"'\n")
	}
	for _, dir := range []string{"etc", "proc", "run", "var/log", "var/lib/spored", "run/spored", "usr/local/sbin"} {
		if err := os.MkdirAll(filepath.Join(m.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *machine) calls(command string) string { return filepath.Join(m.bin, command+".calls") }

// called are the lines that a stand-in wrote.
func (m *machine) called(command string) []string {
	b, err := os.ReadFile(m.calls(command))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// awaits waits for a stand-in that was left in the background to be called.
func (m *machine) awaits(command string) bool {
	for range 100 {
		if len(m.called(command)) > 0 {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

func (m *machine) write(path, content string) {
	m.t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(m.root, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := files.WriteProgram(path, []byte(content), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// read is a file of the machine, or "" if there is none.
func (m *machine) read(path string) string {
	b, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		return ""
	}
	return string(b)
}

// run runs a script with arguments and more environment to its end.
func (m *machine) run(text string, env []string, args ...string) (out string, err error) {
	m.t.Helper()
	path := filepath.Join(m.bin, "script")
	m.write(path, text)
	ctx, cancel := context.WithTimeout(m.t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append([]string{
		"PATH=" + m.bin, "SPAWN_ROOT=" + m.root, "SPAWN_POWER_OFF=power-button",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + m.metadata, "TMPDIR=" + m.bin,
	}, env...)
	cmd.WaitDelay = time.Second
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err = cmd.Run()
	if b.Len() > 0 {
		m.t.Logf("%s", b.String())
	}
	return b.String(), err
}

// spawnDeadline runs the operating system's script for a launch that ends at a
// time.
func (m *machine) spawnDeadline(first time.Time, args ...string) {
	m.t.Helper()
	text, err := script("spawn-deadline.sh", values{"DEADLINE": strconv.FormatInt(first.Unix(), 10)})
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.run(text, nil, args...); err != nil {
		m.t.Errorf("spawn-deadline %v: %v", args, err)
	}
}

// imds is a metadata service, version 2.
type imds struct {
	mu     sync.Mutex
	paths  map[string]string
	silent bool // it accepts and says nothing
}

// serve starts it; the URL is valid until the test ends.
func (i *imds) serve(t *testing.T) string {
	t.Helper()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		silent := i.silent
		value, there := i.paths[strings.TrimPrefix(r.URL.Path, "/latest/meta-data/")]
		i.mu.Unlock()
		switch {
		case silent:
			select {
			case <-over:
			case <-r.Context().Done():
			}
		case r.Method == http.MethodPut:
			_, _ = w.Write([]byte("dG9rZW4="))
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "dG9rZW4=":
			w.WriteHeader(http.StatusUnauthorized)
		case !there:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write([]byte(value))
		}
	}))
	t.Cleanup(func() { close(over); server.Close() })
	return server.URL
}

func (i *imds) set(change func(*imds)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

// withRole is a service with a role's credentials.
func withRole(t *testing.T) *imds {
	t.Helper()
	credentials, err := json.MarshalIndent(map[string]string{
		"Code": "Success", "AccessKeyId": roleKey, "SecretAccessKey": roleSecret, "Token": roleToken,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return &imds{paths: map[string]string{
		"iam/security-credentials/":       "spored",
		"iam/security-credentials/spored": string(credentials),
	}}
}

const (
	roleKey    = "ASIAROLE"
	roleSecret = "s3cr3t/with+signs=="
	roleToken  = "IQoJ/session+token=="
)
