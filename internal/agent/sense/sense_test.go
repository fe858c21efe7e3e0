package sense

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// service is a metadata service that answers with what is in paths, lists the
// tags among them, and demands a token. A path that is not there is 404.
func service(t *testing.T, paths map[string]string) *Metadata {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		_, _ = w.Write([]byte("token"))
	})
	mux.HandleFunc("GET /latest/meta-data/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Aws-Ec2-Metadata-Token") != "token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		path := strings.TrimPrefix(r.URL.Path, "/latest/meta-data/")
		v, there := paths[path]
		if keys := tagKeys(paths); path == tagsPath && keys != nil {
			v, there = strings.Join(keys, "\n"), true
		}
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(v))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return NewMetadata(server.URL)
}

// tagKeys are the keys of the tags among the paths; nil, that tags are off.
func tagKeys(paths map[string]string) (keys []string) {
	for path := range paths {
		if key, found := strings.CutPrefix(path, tagsPath+"/"); found {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestIdentity(t *testing.T) {
	paths := map[string]string{"instance-id": "i-0abc", "placement/region": "us-gov-west-1"}
	for how, bought := range map[string]bool{"": false, "on-demand": true, "spot": false} { // "": it cannot be read
		delete(paths, lifeCyclePath)
		if how != "" {
			paths[lifeCyclePath] = how
		}
		got, err := service(t, paths).Identity(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := (Identity{InstanceID: "i-0abc", Region: "us-gov-west-1", Partition: "aws-us-gov", OnDemand: bought}); got != want {
			t.Errorf("bought %q: got %+v, want %+v", how, got, want)
		}
	}
}

func TestIdentityRefusesNonsense(t *testing.T) {
	for name, paths := range map[string]map[string]string{
		"no region":        {"instance-id": "i-0abc"},
		"a page of HTML":   {"instance-id": "<html>", "placement/region": "us-east-1"},
		"a region as host": {"instance-id": "i-0abc", "placement/region": "evil.example/#"},
		"a huge id":        {"instance-id": "i-" + strings.Repeat("0", 1<<20), "placement/region": "us-east-1"},
	} {
		t.Run(name, func(t *testing.T) {
			if id, err := service(t, paths).Identity(t.Context()); err == nil {
				t.Errorf("took %+v for an identity", id)
			}
		})
	}
}

func TestTags(t *testing.T) {
	m := service(t, map[string]string{
		"tags/instance/" + lifecycle.TagDeadline: "2026-11-23T18:00:00Z",
		"tags/instance/" + lifecycle.TagTTL:      strings.Repeat("x", 1<<20),
		"tags/instance/" + lifecycle.TagCreated:  "\xff\xfe",
		"tags/instance/Name":                     "not ours to read",
	})
	got, err := m.Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		lifecycle.TagDeadline: "2026-11-23T18:00:00Z",
		lifecycle.TagTTL:      "",
		lifecycle.TagCreated:  "\uFFFD",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNoTags: that there are none of ours and that tags are off is not the same,
// and neither is an error. A list that cannot be one is.
func TestNoTags(t *testing.T) {
	if got, err := service(t, nil).Tags(t.Context()); err != nil || got != nil {
		t.Errorf("off: %v and %v", got, err)
	}
	if got, err := service(t, map[string]string{"tags/instance/Name": "n"}).Tags(t.Context()); err != nil || got == nil || len(got) != 0 {
		t.Errorf("none of ours: %v and %v", got, err)
	}
	huge := service(t, map[string]string{"tags/instance/" + strings.Repeat("k", maxTagList): "v", "tags/instance/" + lifecycle.TagTTL: "8h"})
	if got, err := huge.Tags(t.Context()); err == nil {
		t.Errorf("a list of tags without end: %v", got)
	}
}

// TestSilentService has a service that accepts and says nothing: asking it
// must end by itself, and when its context does.
func TestSilentService(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release); server.Close() })

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := NewMetadata(server.URL).Tags(ctx); err == nil {
		t.Error("silence was taken for an answer")
	}
	if took := time.Since(begun); took > requestTimeout {
		t.Errorf("asking took %s, longer than its context", took)
	}
}

func TestPolicy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := Policy(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	p, err := Policy(write("good", `{"schema":9,"deadline":"2026-11-23T18:00:00Z","new":1}`))
	if err != nil || p.Deadline.String() != "2026-11-23T18:00:00Z" {
		t.Errorf("a good file: %v, %v", p, err)
	}
	for name, content := range map[string]string{
		"empty":       "",
		"no deadline": `{"schema":1}`,
		"binary":      "\x00\x01\x02",
		"huge":        strings.Repeat(" ", maxPolicy) + `{"deadline":"2026-11-23T18:00:00Z"}`,
	} {
		if p, err := Policy(write("bad", content)); err == nil {
			t.Errorf("%s: read as %v", name, p)
		}
	}
	if p, err := Policy(dir); err == nil {
		t.Errorf("a folder was read as %v", p)
	}
}
