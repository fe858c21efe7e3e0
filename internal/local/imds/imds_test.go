package imds_test

import (
	"encoding/json"
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
	r := httptest.NewRequest(method, path, nil)
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
