package bootstrap

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// withPython adds a real Python to the command path, not a launcher that needs
// more than the path has.
func (m *machine) withPython() {
	m.t.Helper()
	for _, path := range []string{"/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"} {
		if exec.Command(path, "-c", "").Run() == nil {
			if err := os.Symlink(path, filepath.Join(m.bin, "python3")); err != nil {
				m.t.Fatal(err)
			}
			return
		}
	}
	m.t.Skip("there is no Python here")
}

func hookFor(t *testing.T, at time.Time) string {
	t.Helper()
	text, err := boothook(policyFor(at), false)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestBoothook(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	boot := func(at time.Time, instance string) {
		t.Helper()
		if _, err := m.run(hookFor(t, at), []string{"INSTANCE_ID=" + instance}); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now().Add(time.Hour)
	boot(at, "i-0abc")
	first := m.read("etc/spored/policy.json")
	if !strings.Contains(first, rfc3339(at)) {
		t.Errorf("the policy is %q", first)
	}
	if m.read("etc/spored/instance") != "i-0abc\n" || m.read("run/spored/os-timer") == "" {
		t.Error("the instance was not recorded, or the timer not armed")
	}

	m.write("var/lib/spored/deadline", "1\n")
	m.write("var/lib/spored/policy.json", "{}")
	boot(at, "i-0abc")
	if m.read("var/lib/spored/deadline") != "1\n" || m.read("var/lib/spored/policy.json") != "{}" {
		t.Error("a later boot forgot that the deadline was moved")
	}

	boot(at, "i-0another")
	if m.read("var/lib/spored/deadline") != "" || m.read("etc/spored/instance") != "i-0another\n" {
		t.Error("a copied disk kept the deadline of the instance it came from")
	}

	m.write("var/lib/spored/deadline", "1\n")
	boot(at.Add(time.Hour), "i-0another")
	if m.read("var/lib/spored/deadline") != "" || m.read("etc/spored/policy.json") == first {
		t.Error("another launch kept the deadline of the one before")
	}
}

func TestBoothookOfAPastDeadline(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.write(m.bin+"/setsid", "#!/bin/sh\nexec \"$@\"\n") // in the foreground, so that the test sees its end
	service := &imds{}
	m.metadata = service.serve(t)
	if _, err := m.run(hookFor(t, time.Now().Add(-time.Hour)), []string{"INSTANCE_ID=i-0abc"}); err != nil {
		t.Fatal(err)
	}
	if !m.awaits("power-button") {
		t.Error("an instance that boots after its deadline lives on")
	}
}

// TestBoothookOnADiskThatTakesNothing must arm the timer all the same, from
// what is below /run.
func TestBoothookOnADiskThatTakesNothing(t *testing.T) {
	for name, spoil := range map[string]func(m *machine){
		"full": func(m *machine) {
			for _, file := range []string{"usr/local/sbin/spawn-deadline", "etc/systemd/system/spawn-deadline.timer", "etc/systemd/system/spawn-deadline.service"} {
				if err := os.MkdirAll(filepath.Join(m.root, filepath.Dir(file)), 0o755); err != nil {
					m.t.Fatal(err)
				}
				if err := os.Symlink("/dev/full", filepath.Join(m.root, file+".new")); err != nil {
					m.t.Fatal(err)
				}
			}
		},
		"read-only": func(m *machine) { // files where folders should be: not even root can write below them
			if err := os.RemoveAll(filepath.Join(m.root, "usr")); err != nil {
				m.t.Fatal(err)
			}
			m.write("usr", "")
			m.write("etc/systemd", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "http://127.0.0.1:1")
			m.write("run/systemd/system/.keep", "")
			spoil(m)
			if _, err := m.run(hookFor(t, time.Now().Add(time.Hour)), []string{"INSTANCE_ID=i-0abc"}); err != nil {
				t.Error(err)
			}
			if timer := m.read("run/systemd/system/spawn-deadline.timer"); !strings.Contains(timer, "OnCalendar=") {
				t.Errorf("the timer is %q", timer)
			}
			if service := m.read("run/systemd/system/spawn-deadline.service"); !strings.Contains(service, "ExecStart=/bin/sh /run/spored/spawn-deadline check\n") {
				t.Errorf("the service is %q", service)
			}
			if m.read("run/spored/spawn-deadline") == "" || m.read("run/spored/os-timer") == "" {
				t.Error("there is no script, or it did not arm the timer")
			}
			if calls := strings.Join(m.called("systemctl"), "\n"); !strings.Contains(calls, "restart spawn-deadline.timer") {
				t.Errorf("systemctl was called %q", calls)
			}
		})
	}
}

// bucket serves one object and keeps the requests for it.
type bucket struct {
	mu       sync.Mutex
	object   []byte
	accept   func(*http.Request) bool
	requests []*http.Request
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, r)
	if b.accept != nil && !b.accept(r) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	_, _ = w.Write(b.object)
}

// signedByRole checks the signature with the SDK's own signer.
func signedByRole(r *http.Request) bool {
	got := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if got == "" || err != nil || r.Header.Get("X-Amz-Security-Token") != roleToken {
		return false
	}
	again, err := http.NewRequest(http.MethodGet, "http://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		return false
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	again.Header.Set("X-Amz-Content-Sha256", hash)
	role := aws.Credentials{AccessKeyID: roleKey, SecretAccessKey: roleSecret, SessionToken: roleToken}
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		SignHTTP(r.Context(), role, again, hash, "s3", "eu-central-1", at)
	return err == nil && signature(got) == signature(again.Header.Get("Authorization"))
}

func signature(authorization string) string {
	_, s, _ := strings.Cut(authorization, "Signature=")
	return s
}

// agentFile is an agent that can say its version, compressed.
func agentFile(t *testing.T) (gz []byte, digest string) {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte("#!/bin/sh\necho spored\n"))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(sum[:])
}

// install runs the second part against a bucket, and gives up soon.
func (m *machine) install(store *bucket, agent Agent) error {
	m.t.Helper()
	return m.installWithin(2, store, agent)
}

// installWithin gives up after some seconds.
func (m *machine) installWithin(seconds int, store *bucket, agent Agent) error {
	m.t.Helper()
	server := httptest.NewServer(store)
	defer server.Close()
	agent.ObjectURL = server.URL + "/bucket/spored/agent.gz"
	if agent.PresignedURL != "" {
		agent.PresignedURL = agent.ObjectURL + agent.PresignedURL
	}
	text, err := installer(Params{Agent: &agent, Region: "eu-central-1", Endpoint: "http://127.0.0.1:4566"})
	if err != nil {
		m.t.Fatal(err)
	}
	_, err = m.run(text, []string{fmt.Sprintf("SPAWN_FETCH_SECONDS=%d", seconds), "SPAWN_START_SECONDS=0"})
	return err
}

func TestInstall(t *testing.T) {
	gz, digest := agentFile(t)
	presigned := func(r *http.Request) bool { return r.URL.Query().Get("X-Amz-Signature") == "ab/cd" }
	for name, c := range map[string]struct {
		role      bool
		presigned string
		accept    func(*http.Request) bool
		digest    string
		without   []string
		python    bool
		installed bool
	}{
		"by the role":                      {role: true, accept: signedByRole, digest: digest, python: true, installed: true},
		"by the role, with curl":           {role: true, accept: signedByRole, digest: digest, installed: true},
		"by a URL":                         {presigned: "?X-Amz-Signature=ab%2Fcd", accept: presigned, digest: digest, installed: true},
		"by a URL, the role being refused": {role: true, presigned: "?X-Amz-Signature=ab%2Fcd", accept: presigned, digest: digest, python: true, installed: true},
		"by a URL, with Python":            {presigned: "?X-Amz-Signature=ab%2Fcd", accept: presigned, digest: digest, without: []string{"curl"}, python: true, installed: true},
		"another file":                     {presigned: "?X-Amz-Signature=ab%2Fcd", digest: strings.Repeat("0", 64)},
		"refused":                          {role: true, presigned: "?X-Amz-Signature=no", accept: presigned, digest: digest},
		"neither role nor URL":             {accept: presigned, digest: digest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := &imds{}
			if c.role {
				service = withRole(t)
			}
			m := newMachine(t, service.serve(t), c.without...)
			if c.python {
				m.withPython()
			}
			err := m.install(&bucket{object: gz, accept: c.accept}, Agent{SHA256: c.digest, PresignedURL: c.presigned})
			if (err == nil) != c.installed {
				t.Errorf("the script ended with %v", err)
			}
			if installed := m.read("usr/local/bin/spored") == "#!/bin/sh\necho spored\n"; installed != c.installed {
				t.Errorf("installed: %t, want %t", installed, c.installed)
			}
			if c.installed && !m.awaits("setsid") {
				t.Error("installed and not started")
			}
		})
	}
}

// TestInstallTriesAgain has a bucket that fails at first.
func TestInstallTriesAgain(t *testing.T) {
	t.Parallel()
	gz, digest := agentFile(t)
	m := newMachine(t, (&imds{}).serve(t))
	store := &bucket{object: gz}
	store.accept = func(*http.Request) bool { return len(store.requests) > 1 }
	if err := m.installWithin(60, store, Agent{SHA256: digest, PresignedURL: "?X-Amz-Signature=ab"}); err != nil {
		t.Errorf("gave up after one failure: %v", err)
	}
}

func TestInstallUnderSystemd(t *testing.T) {
	t.Parallel()
	gz, digest := agentFile(t)
	m := newMachine(t, (&imds{}).serve(t))
	m.write("run/systemd/system/.keep", "")
	if err := m.install(&bucket{object: gz}, Agent{SHA256: digest, PresignedURL: "?X-Amz-Signature=ab"}); err != nil {
		t.Fatal(err)
	}
	if unit := m.read("etc/systemd/system/spored.service"); !strings.Contains(unit, "Type=notify\n") {
		t.Errorf("the unit is %q", unit)
	}
	if env := m.read("etc/spored/environment"); env != "AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n" {
		t.Errorf("the agent's environment is %q", env)
	}
	if calls := strings.Join(m.called("systemctl"), "\n"); !strings.Contains(calls, "enable spored.service") || !strings.Contains(calls, "restart spored.service") {
		t.Errorf("systemctl was called %q", calls)
	}
}

// TestSupervisor restarts the agent until it is gone, and gives it its
// environment.
func TestSupervisor(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "http://127.0.0.1:1")
	m.write("etc/spored/environment", "AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n")
	m.write("usr/local/bin/spored", `#!/bin/sh
echo "$1 $AWS_ENDPOINT_URL" | tee -a "$SPAWN_ROOT/starts"
if [ -e "$SPAWN_ROOT/once" ]; then rm "$0"; fi
: > "$SPAWN_ROOT/once"
`)
	text, err := script("spored-supervise.sh", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.run(text, nil, "run"); err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("run http://127.0.0.1:4566\n", 2)
	if got := m.read("starts"); got != want {
		t.Errorf("the agent was started so: %q, want %q", got, want)
	}
	if got := m.read("run/spored/output"); got != want[:len(want)/2] {
		t.Errorf("of its last output %q is kept", got)
	}
	if m.read("var/log/spored.log") != "" {
		t.Error("somebody else writes into the log that the agent rotates")
	}
}
