// Package imds is the instance metadata service of one instance: what the
// instance can ask about itself at 169.254.169.254.
//
// It reads from a Source each time it is asked, so tags and credentials are
// always those of now. It never answers for another instance: whoever serves
// the handler decides who can reach it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
package imds

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	tokenPath = "/latest/api/token"
	tokenTTL  = "X-aws-ec2-metadata-token-ttl-seconds"
	tokenName = "X-aws-ec2-metadata-token"
	maxTTL    = 21600 // seconds
)

// Source is the instance of which a service tells.
type Source interface {
	// Now is the cloud's time.
	Now() time.Time
	// Facts are the instance as it is; false when it is no more.
	Facts() (Facts, bool)
	// Credentials are those of the instance's role; false if it has none.
	Credentials() (Credentials, bool)
}

// Service is the metadata service of one instance.
type Service struct {
	source Source
	secret [32]byte // makes this instance's tokens, and no other's
}

// New returns the service of an instance.
func New(source Source) *Service {
	s := &Service{source: source}
	_, _ = rand.Read(s.secret[:]) // documented never to fail
	return s
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "EC2ws")
	w.Header().Set("Date", s.source.Now().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "text/plain")
	facts, found := s.source.Facts()
	switch {
	case !found || !facts.Enabled || isForeign(r.Host):
		refuse(w, http.StatusForbidden)
	case r.URL.Path == tokenPath:
		s.serveToken(w, r, facts.HopLimit)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		refuse(w, http.StatusMethodNotAllowed)
	case !s.admits(r, facts.TokensRequired):
		refuse(w, http.StatusUnauthorized)
	default:
		s.serveFacts(w, r, facts)
	}
}

// isForeign tells whether a request was sent to another name than the service
// has or than loopback's, where runtimes without a network of their own serve
// it. So a web page that makes its own name point there learns nothing. AWS has
// no such rule, for no browser is near.
func isForeign(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	switch strings.ToLower(strings.Trim(host, "[]")) {
	case "", "169.254.169.254", "fd00:ec2::254", "instance-data", "instance-data.ec2.internal", "127.0.0.1", "::1", "localhost":
		return false
	}
	return true
}

// serveToken begins a session of version 2. A request that came through a
// proxy is refused, which keeps open proxies from giving the role away; so does
// the answer's reach, which ends after the hops that the instance allows.
func (s *Service) serveToken(w http.ResponseWriter, r *http.Request, hops int) {
	if r.Method != http.MethodPut {
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	if len(r.Header.Values("X-Forwarded-For")) > 0 {
		refuse(w, http.StatusForbidden)
		return
	}
	seconds, err := strconv.Atoi(r.Header.Get(tokenTTL))
	if err != nil || seconds < 1 || seconds > maxTTL {
		refuse(w, http.StatusBadRequest)
		return
	}
	if err := limitReach(r, hops); err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set(tokenTTL, strconv.Itoa(seconds))
	_, _ = w.Write([]byte(s.token(s.source.Now().Add(time.Duration(seconds) * time.Second))))
}

// token is valid until a time that it carries itself, sealed.
func (s *Service) token(until time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(until.Unix()))
	return base64.URLEncoding.EncodeToString(append(b, s.seal(b)...))
}

func (s *Service) seal(b []byte) []byte {
	h := hmac.New(sha256.New, s.secret[:])
	h.Write(b)
	return h.Sum(nil)
}

// admits checks the session. A request without a token is one of version 1;
// one with a bad token is refused even where version 1 is allowed.
func (s *Service) admits(r *http.Request, required bool) bool {
	token := r.Header.Get(tokenName)
	if token == "" {
		return !required
	}
	b, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(b) < 8 || !hmac.Equal(b[8:], s.seal(b[:8])) {
		return false
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	return s.source.Now().Before(until)
}

var versionForm = regexp.MustCompile(`^(latest|20\d\d-\d\d-\d\d)$`)

func (s *Service) serveFacts(w http.ResponseWriter, r *http.Request, facts Facts) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "":
		_, _ = w.Write([]byte("latest"))
		return
	case !versionForm.MatchString(parts[0]):
		refuse(w, http.StatusNotFound)
		return
	}
	if len(parts) == 2 && parts[1] == "user-data" {
		if facts.UserData == nil {
			refuse(w, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(facts.UserData)
		return
	}
	found, ok := s.tree(facts, parts[1:]).find(parts[1:])
	if !ok {
		refuse(w, http.StatusNotFound)
		return
	}
	_, _ = w.Write([]byte(found.text()))
}

// refuse answers with a status and the words that go with it.
func refuse(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(http.StatusText(status)))
}
