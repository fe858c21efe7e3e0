package imds_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/imds"
)

type source struct {
	*clock.Clock
	facts imds.Facts
	asked int
}

func (s *source) Facts() (imds.Facts, bool) { return s.facts, s.facts.InstanceID != "" }

func (s *source) Credentials() (imds.Credentials, bool) {
	s.asked++
	return imds.Credentials{Role: "r", AccessKeyID: "ASIA", Secret: "s", Token: "t", Expires: s.Now().Add(time.Hour)}, true
}

func newSource(required bool) *source {
	return &source{
		Clock: clock.Frozen(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)),
		facts: imds.Facts{Enabled: true, TokensRequired: required, InstanceID: "i-1", Region: "us-east-1", MAC: "02:00:00:00:00:01"},
	}
}

func ask(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://169.254.169.254"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	ttl   = "X-aws-ec2-metadata-token-ttl-seconds"
	token = "X-aws-ec2-metadata-token"
	id    = "/latest/meta-data/instance-id"
)

func TestTokens(t *testing.T) {
	s := newSource(true)
	h := imds.New(s)
	for value, want := range map[string]int{"": 400, "0": 400, "-1": 400, "21601": 400, "x": 400, "1": 200, "21600": 200} {
		if got := ask(h, "PUT", "/latest/api/token", ttl, value).Code; got != want {
			t.Errorf("TTL %q: %d, want %d", value, got, want)
		}
	}
	if got := ask(h, "PUT", "/latest/api/token", ttl, "60", "X-Forwarded-For", "10.0.0.1").Code; got != 403 {
		t.Errorf("through a proxy: %d", got)
	}
	if got := ask(h, "GET", "/latest/api/token").Code; got != 405 {
		t.Errorf("GET of a token: %d", got)
	}
	mine := ask(h, "PUT", "/latest/api/token", ttl, "60").Body.String()
	if got := ask(h, "GET", id, token, mine); got.Code != 200 || got.Body.String() != "i-1" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := ask(imds.New(newSource(true)), "GET", id, token, mine).Code; got != 401 {
		t.Errorf("another instance takes the token: %d", got)
	}
	if got := ask(h, "GET", id).Code; got != 401 {
		t.Errorf("without a token: %d", got)
	}
	if err := s.Advance(61 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got := ask(h, "GET", id, token, mine).Code; got != 401 {
		t.Errorf("after its time: %d", got)
	}
}

func TestVersionOneOnlyWhereAllowed(t *testing.T) {
	s := newSource(false)
	h := imds.New(s)
	if got := ask(h, "GET", id).Code; got != 200 {
		t.Errorf("version 1 where it is optional: %d", got)
	}
	if got := ask(h, "GET", id, token, "bad").Code; got != 401 {
		t.Errorf("a bad token: %d", got)
	}
	if got := ask(h, "POST", id).Code; got != 405 {
		t.Errorf("POST: %d", got)
	}
	s.facts.Enabled = false
	if got := ask(h, "GET", id).Code; got != 403 {
		t.Errorf("disabled: %d", got)
	}
}

// What an instance is told of itself, and what it has no path for.
func TestWhatAnInstanceLearns(t *testing.T) {
	s := newSource(false)
	launched := time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC)
	s.facts.Account, s.facts.Zone, s.facts.ZoneID, s.facts.Launched = "123456789012", "us-east-1a", "use1-az1", launched
	s.facts.ImageID, s.facts.InstanceType, s.facts.Architecture, s.facts.PrivateIP = "ami-1", "m7i.large", "x86_64", "172.31.0.5"
	h := imds.New(s)
	get := func(path string) string {
		t.Helper()
		answer := ask(h, "GET", path)
		if answer.Code != http.StatusOK {
			t.Errorf("%s: %d", path, answer.Code)
		}
		return answer.Body.String()
	}
	missing := func(paths ...string) {
		t.Helper()
		for _, path := range paths {
			if got := ask(h, "GET", path); got.Code != http.StatusNotFound {
				t.Errorf("%s: %d %s", path, got.Code, got.Body)
			}
		}
	}
	var document map[string]string
	if err := json.Unmarshal([]byte(get("/latest/dynamic/instance-identity/document")), &document); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"accountId": "123456789012", "architecture": "x86_64", "availabilityZone": "us-east-1a", "imageId": "ami-1", "instanceId": "i-1",
		"instanceType": "m7i.large", "pendingTime": "2026-10-31T23:00:00Z", "privateIp": "172.31.0.5", "region": "us-east-1",
	} {
		if document[key] != want {
			t.Errorf("the document says %s is %q, want %q", key, document[key], want)
		}
	}
	if got := get("/latest/meta-data/placement/"); got != "availability-zone\navailability-zone-id\nregion" {
		t.Errorf("the placement has %q", got)
	}
	const action, at, rebalance = "/latest/meta-data/spot/instance-action", "/latest/meta-data/spot/termination-time", "/latest/meta-data/events/recommendations/rebalance"
	missing(action, at, rebalance, "/latest/user-data", "/latest/meta-data/tags/instance", "/latest/meta-data/public-keys/",
		"/latest/meta-data/public-ipv4", "/latest/meta-data/iam/security-credentials/", "/latest/meta-data/instance-id/x")

	s.facts.Interruption, s.facts.InterruptionTime, s.facts.Rebalance = "terminate", launched.Add(2*time.Hour), launched.Add(time.Hour)
	for path, want := range map[string]map[string]string{
		action: {"action": "terminate", "time": "2026-11-01T01:00:00Z"}, rebalance: {"noticeTime": "2026-11-01T00:00:00Z"},
	} {
		var got map[string]string
		if err := json.Unmarshal([]byte(get(path)), &got); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if got := get(at); got != "2026-11-01T01:00:00Z" {
		t.Errorf("it ends at %s", got)
	}
	s.facts.Interruption = "stop"
	missing(at)
	s.facts.Tags = map[string]string{}
	if got := get("/latest/meta-data/tags/instance"); got != "" {
		t.Errorf("no tag is %q", got)
	}
}

// A page that rebinds its own name to where the service is gets neither a token
// nor, with version 1, an answer.
func TestForeignHostsAreRefused(t *testing.T) {
	h := imds.New(newSource(false))
	for host, want := range map[string]int{
		"evil.example": 403, "169.254.169.254.evil.example:80": 403, "localhost.evil.example": 403, "10.0.0.1": 403,
		"169.254.169.254": 200, "169.254.169.254:80": 200, "[fd00:ec2::254]": 200, "127.0.0.1:4711": 200, "LOCALHOST:1": 200, "": 200,
	} {
		get := httptest.NewRequest(http.MethodGet, id, nil)
		put := httptest.NewRequest(http.MethodPut, "/latest/api/token", nil)
		put.Header.Set(ttl, "60")
		for _, r := range []*http.Request{get, put} {
			r.Host = host
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != want {
				t.Errorf("%s to %q: %d, want %d", r.Method, host, w.Code, want)
			}
		}
	}
}

// What an instance asks for comes from its request alone: no path, header or
// method makes the service panic or give credentials without a token.
func FuzzServeHTTP(f *testing.F) {
	f.Add("GET", "/latest/meta-data/iam/security-credentials/r", "", "")
	f.Add("PUT", "/latest/api/token", "AAAAAAAAAAAAAAAAAAAA", "21600")
	f.Add("HEAD", "/2021-01-03/dynamic//instance-identity/document/../", "=", "-1")
	f.Fuzz(func(t *testing.T, method, path, given, seconds string) {
		s := newSource(true)
		s.facts.ProfileARN = "arn:aws:iam::123456789012:instance-profile/p"
		r := httptest.NewRequest(http.MethodGet, "http://169.254.169.254/", nil)
		r.Method, r.URL.Path = method, path
		r.Header.Set(token, given)
		r.Header.Set(ttl, seconds)
		w := httptest.NewRecorder()
		imds.New(s).ServeHTTP(w, r)
		if s.asked > 0 || (w.Code == http.StatusOK && (method != http.MethodPut || path != "/latest/api/token")) {
			t.Errorf("%s %q with the token %q: %d %s", method, path, given, w.Code, w.Body)
		}
	})
}

func TestCredentialsAreMadeOnlyWhenAskedFor(t *testing.T) {
	s := newSource(false)
	s.facts.ProfileARN = "arn:aws:iam::123456789012:instance-profile/p"
	h := imds.New(s)
	if ask(h, "GET", id); s.asked != 0 {
		t.Error("asking for the id made credentials")
	}
	if got := ask(h, "GET", "/latest/meta-data/iam/security-credentials/").Body.String(); got != "r" {
		t.Errorf("the role is %q", got)
	}
	var c struct{ Code, Expiration, AccessKeyId string }
	if err := json.Unmarshal(ask(h, "GET", "/latest/meta-data/iam/security-credentials/r").Body.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	if c.Code != "Success" || c.Expiration != "2026-11-01T01:00:00Z" || c.AccessKeyId != "ASIA" {
		t.Errorf("the credentials are %+v", c)
	}
	if got := ask(h, "GET", "/latest/meta-data/iam/security-credentials/other").Code; got != 404 {
		t.Errorf("another role: %d", got)
	}
}
