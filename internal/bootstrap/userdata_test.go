package bootstrap

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// policyFor is the policy of an instance that ends at a time.
func policyFor(at time.Time) lifecycle.Policy {
	d := lifecycle.DeadlineAt(at)
	return lifecycle.Policy{Launched: at.Add(-time.Hour).UTC(), TTL: time.Hour, Deadline: d, Tagged: d}
}

func params() Params {
	return Params{
		Policy: policyFor(time.Unix(1800000000, 0)),
		Region: "eu-central-1",
		Agent: &Agent{
			SHA256:       strings.Repeat("0f", 32),
			ObjectURL:    "https://bucket.s3.eu-central-1.amazonaws.com/spored/0f.gz",
			PresignedURL: "https://bucket.s3.eu-central-1.amazonaws.com/spored/0f.gz?X-Amz-Expires=3600&X-Amz-Signature=ab%2Fcd",
		},
	}
}

// read takes user-data apart as cloud-init does.
func read(t *testing.T, userData []byte) (types []string, bodies []string) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(userData))
	if err != nil {
		t.Fatal(err)
	}
	message, err := mail.ReadMessage(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	kind, attributes, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		t.Fatalf("the content type is %s, %v", kind, err)
	}
	r := multipart.NewReader(message.Body, attributes["boundary"])
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return types, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		types, bodies = append(types, kind), append(bodies, string(body))
	}
}

func TestStructure(t *testing.T) {
	first, err := UserData(params())
	if err != nil {
		t.Fatal(err)
	}
	types, bodies := read(t, first)
	if diff := cmp.Diff([]string{"text/cloud-boothook", "text/x-shellscript"}, types); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	for i, body := range bodies {
		if !strings.HasPrefix(body, "#!/bin/sh\n") {
			t.Errorf("part %d is not a shell script", i)
		}
		if strings.ContainsFunc(body, func(r rune) bool { return r > 126 || r == '\r' }) {
			t.Errorf("part %d is not plain ASCII with Unix line ends", i)
		}
	}
	again, err := UserData(params())
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same launch has other bytes the second time (%v)", err)
	}
	t.Logf("%d bytes of %d", len(first), MaxSize)
}

func TestWithoutAgent(t *testing.T) {
	p := params()
	p.Agent = nil
	b, err := UserData(p)
	if err != nil {
		t.Fatal(err)
	}
	if types, _ := read(t, b); len(types) != 1 || types[0] != "text/cloud-boothook" {
		t.Errorf("without an agent the parts are %v", types)
	}
}

func TestThePolicyInsideIsTheOneGiven(t *testing.T) {
	p := params()
	b, err := UserData(p)
	if err != nil {
		t.Fatal(err)
	}
	_, bodies := read(t, b)
	_, rest, _ := strings.Cut(bodies[0], "\npolicy='")
	text, _, found := strings.Cut(rest, "'\n")
	var got lifecycle.Policy
	if err := json.Unmarshal([]byte(text), &got); !found || err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if !got.Equal(p.Policy) {
		t.Errorf("got %+v, want %+v", got, p.Policy)
	}
}

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"no deadline":              func(p *Params) { p.Policy = lifecycle.Policy{} },
		"a digest with a command":  func(p *Params) { p.Agent.SHA256 = "'; poweroff; '" + strings.Repeat("0", 48) },
		"a digest in capitals":     func(p *Params) { p.Agent.SHA256 = strings.Repeat("0F", 32) },
		"a digest and a line":      func(p *Params) { p.Agent.SHA256 += "\npoweroff" },
		"a region with a command":  func(p *Params) { p.Region = "eu'; poweroff; '" },
		"no region":                func(p *Params) { p.Region = "" },
		"a URL that ends quotes":   func(p *Params) { p.Agent.ObjectURL += "'; poweroff; '" },
		"a URL with a space":       func(p *Params) { p.Agent.PresignedURL += " -o /etc/passwd" },
		"a URL with a line":        func(p *Params) { p.Agent.PresignedURL += "\npoweroff" },
		"a URL with a backslash":   func(p *Params) { p.Agent.PresignedURL += `\` },
		"a URL of a file":          func(p *Params) { p.Agent.ObjectURL = "file:///etc/shadow" },
		"a URL that is an option":  func(p *Params) { p.Agent.PresignedURL = "--output=/etc/passwd" },
		"a URL with a password":    func(p *Params) { p.Agent.PresignedURL = "https://me:secret@example.com/" },
		"an endpoint with quotes":  func(p *Params) { p.Endpoint = "http://127.0.0.1:4566/'\"" },
		"an agent without any URL": func(p *Params) { p.Agent.ObjectURL, p.Agent.PresignedURL = "", "" },
		"a URL too long":           func(p *Params) { p.Agent.PresignedURL += incompressible(20000) },
	} {
		t.Run(name, func(t *testing.T) {
			p := params()
			change(&p)
			if b, err := UserData(p); err == nil {
				t.Errorf("wrote %d bytes", len(b))
			}
		})
	}
}

// incompressible is n characters that gzip can do little with.
func incompressible(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; {
		x = x*1664525 + 1013904223
		b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[x>>26])
	}
	return b.String()
}

// TestShellSyntax has every shell that is here read the scripts.
func TestShellSyntax(t *testing.T) {
	b, err := UserData(params())
	if err != nil {
		t.Fatal(err)
	}
	_, bodies := read(t, b)
	supervise, err := script("spored-supervise.sh", nil)
	if err != nil {
		t.Fatal(err)
	}
	deadline, err := script("spawn-deadline.sh", values{"DEADLINE": "1"})
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := script("spawn-metadata.sh", values{"SHARE_ROLE": "no"})
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := wrap("user-001", "#!/bin/sh\n")
	if err != nil {
		t.Fatal(err)
	}
	texts := append([]string{supervise, deadline, metadata, wrapped}, bodies...)
	for _, shell := range shells(t) {
		for _, text := range texts {
			cmd := exec.Command(shell[0], append(shell[1:], "-n")...)
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v: %s", shell, err, out)
			}
		}
	}
}

// TestShellcheck has a judge that we did not write read the scripts.
func TestShellcheck(t *testing.T) {
	path, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	files, err := filepath.Glob("scripts/*.sh")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	if out, err := exec.Command(path, append([]string{"--shell=sh"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// shells are the ones that are here, as commands.
func shells(t *testing.T) (found [][]string) {
	t.Helper()
	for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		if path, err := exec.LookPath(shell[0]); err == nil {
			found = append(found, append([]string{path}, shell[1:]...))
		}
	}
	if len(found) == 0 {
		t.Skip("there is no shell here")
	}
	return found
}

func TestPlaces(t *testing.T) {
	if _, err := script("spawn-deadline.sh", nil); err == nil {
		t.Error("a script went out with a place that has no value")
	}
	if _, err := script("spored-supervise.sh", values{"DEADLINE": "1"}); err == nil {
		t.Error("a value got lost")
	}
}
