package e2e_test

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// terminal is what a person sees in a session.
type terminal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *terminal) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// session is somebody logged in by SSH, on a terminal.
type session struct {
	keys   io.WriteCloser
	screen *terminal
}

// open logs in and waits for the shell.
func (b *box) open() *session {
	b.t.Helper()
	s := &session{screen: &terminal{}}
	cmd := b.login("-tt")
	cmd.Stdout, cmd.Stderr = s.screen, s.screen
	var err error
	if s.keys, err = cmd.StdinPipe(); err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended with its instance
		_ = cmd.Wait()
	})
	s.typed(b.t, "echo log''ged in\n")
	s.await(b.t, "logged in", 30*time.Second)
	return s
}

func (s *session) typed(t testing.TB, keys string) {
	t.Helper()
	if _, err := io.WriteString(s.keys, keys); err != nil {
		t.Fatalf("type into the session: %v\n%s", err, s.screen)
	}
}

func (s *session) await(t testing.TB, text string, patience time.Duration) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(s.screen.String(), text); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the session does not show %q within %v:\n%s", text, patience, s.screen)
		}
	}
}

// userIsWarned logs in with the key that the launch imported, by spawn and by
// SSH's own client, and waits for the last minute.
func userIsWarned(t *testing.T, s *site) {
	b := s.launch(t, "warned", "--ttl", "160s")
	b.reachable()
	b.await("the SSH server is up", 20*time.Second, "ss -Hltn 'sport = :22' | grep -q .")

	u, at := *s.user, s.user.contact()
	u.t = t
	u.env = append(append([]string{}, u.env...), "AWS_ENDPOINT_URL="+at.Endpoint, "AWS_ACCESS_KEY_ID="+at.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+at.SecretAccessKey, "AWS_REGION=us-east-1")
	if out := u.do(nil, "spawn", "connect", b.name, "--", "sh", "-c", "id -un; sudo -n id -un"); out != "ec2-user\nroot\n" {
		t.Errorf("spawn connect ran as %q", out)
	}
	shell := b.open()
	b.addStranger()
	strangerIsPowerless(b)
	metadataIsRoots(b)
	if left := time.Until(b.Deadline); left < 65*time.Second {
		t.Fatalf("this host is too slow: %v left before the last warning was awaited", left)
	}
	b.plantLink()
	shell.await(t, "Broadcast message", time.Until(b.Deadline))
	left := time.Until(b.Deadline)
	if left < 30*time.Second || left > 70*time.Second {
		t.Errorf("the last warning came %v before the end:\n%s", left, shell.screen)
	}
	b.linkWentNowhere()
	// The file is for those who are not on a terminal, root or not.
	cmd := b.login("cat", "/tmp/SPAWN_WARNING")
	if text, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(text)) == 0 {
		t.Errorf("a user reads the warning as %q (%v)", text, err)
	}
	if _, err := os.Stat("/tmp/SPAWN_WARNING"); err == nil {
		t.Error("the warning is on the host")
	}
}
