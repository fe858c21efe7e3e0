package run

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// cloud is a metadata service and an EC2 endpoint on loopback, as far as an
// agent can tell. It keeps the calls to the API.
type cloud struct {
	mu    sync.Mutex
	tags  map[string]string
	calls []call
}

// call is a call to the API: its parameters, when, and signed with which key.
type call struct {
	form url.Values
	at   time.Time
	key  string
}

const roleKey = "ASIAROLEOFTHEINSTANCE"

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, isMetadata := strings.CutPrefix(r.URL.Path, "/latest/meta-data/")
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		_, _ = w.Write([]byte("token"))
	case isMetadata && r.Header.Get("X-Aws-Ec2-Metadata-Token") != "token":
		w.WriteHeader(http.StatusUnauthorized)
	case isMetadata:
		c.metadata(w, path)
	default:
		c.api(w, r)
	}
}

func (c *cloud) metadata(w http.ResponseWriter, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, isTag := strings.CutPrefix(path, "tags/instance/")
	tag, there := c.tags[key]
	switch {
	case isTag && there:
		_, _ = w.Write([]byte(tag))
	case path == "tags/instance":
		_, _ = w.Write([]byte(strings.Join(slices.Collect(maps.Keys(c.tags)), "\n")))
	case path == "instance-id":
		_, _ = w.Write([]byte("i-0123456789abcdef0"))
	case path == "placement/region":
		_, _ = w.Write([]byte("eu-central-1"))
	case path == "iam/security-credentials/":
		_, _ = w.Write([]byte("spored"))
	case path == "iam/security-credentials/spored":
		_ = json.NewEncoder(w).Encode(map[string]string{
			"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": roleKey, "SecretAccessKey": "secret",
			"Token": "session", "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// api is EC2 as far as the query protocol's answer to these two calls goes.
func (c *cloud) api(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ = strings.Cut(key, "/")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call{r.PostForm, time.Now(), key})
	action := r.PostForm.Get("Action")
	_, _ = w.Write([]byte("<" + action + "Response><requestId>r</requestId></" + action + "Response>"))
}

func (c *cloud) made(action string) (found []call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, made := range c.calls {
		if made.form.Get("Action") == action {
			found = append(found, made)
		}
	}
	return found
}

// TestAsProcess runs the real agent in real time against sockets: it ends its
// own instance at the deadline, once, with the credentials of its role, and
// leaves when the cloud tells its process to.
func TestAsProcess(t *testing.T) {
	deadline := lifecycle.DeadlineAt(time.Now().Add(3 * time.Second))
	c := &cloud{tags: map[string]string{lifecycle.TagDeadline: deadline.String(), lifecycle.TagTTL: "3s"}}
	server := httptest.NewServer(c)
	defer server.Close()
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOFSOMEBODYELSE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not to be used")
	dir := t.TempDir()
	t.Chdir(dir)

	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- AsProcess(ctx, slog.New(slog.DiscardHandler), "1.2.3") }()

	for len(c.made("TerminateInstances")) == 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	stop() // as the cloud does when it ends the instance
	if err := <-done; err != nil {
		t.Errorf("the agent returned %v", err)
	}

	calls := c.made("TerminateInstances")
	if len(calls) != 1 {
		t.Fatalf("terminated %d times, want once", len(calls))
	}
	if id := calls[0].form.Get("InstanceId.1"); id != "i-0123456789abcdef0" {
		t.Errorf("terminated %q", id)
	}
	if calls[0].key != roleKey {
		t.Errorf("signed with %q, not with the role's credentials", calls[0].key)
	}
	if calls[0].at.Before(deadline.Time()) {
		t.Errorf("ended %s before the deadline", deadline.Left(calls[0].at))
	}
	var statuses []lifecycle.Phase
	for _, tagged := range c.made("CreateTags") {
		s, err := lifecycle.ParseStatus(tagged.form.Get("Tag.1.Value"))
		if err != nil || s.Deadline != deadline || s.Agent != "1.2.3" {
			t.Errorf("the status was %v (%v)", tagged.form, err)
		}
		statuses = append(statuses, s.Phase)
	}
	if len(statuses) == 0 || statuses[len(statuses)-1] != lifecycle.PhaseEnding {
		t.Errorf("the status went %v, want it to be ending at last", statuses)
	}
	if _, err := os.Stat(filepath.Join(dir, "policy.json")); err != nil {
		t.Errorf("the policy was not kept: %v", err)
	}
}

func TestAsProcessNeedsACloud(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	if AsProcess(t.Context(), slog.New(slog.DiscardHandler), "test") == nil {
		t.Error("ran against this machine's own metadata service")
	}
}
