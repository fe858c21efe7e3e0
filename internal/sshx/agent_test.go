package sshx_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh/agent"

	"github.com/spawn-ec2/spawn/internal/sshx"
)

// serveAgent serves a keyring at a socket and names it in the environment.
func serveAgent(t *testing.T, ring agent.Agent) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("an agent that is a named pipe cannot be served here")
	}
	path := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSH_AUTH_SOCK", path)
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				_ = agent.ServeAgent(ring, conn) // ends with an error when the client goes
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		served.Wait()
	})
}

func TestKeysOfAnAgent(t *testing.T) {
	ring := agent.NewKeyring()
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []agent.AddedKey{{PrivateKey: ecKey, Comment: "not for EC2"}, {PrivateKey: edKey, Comment: "ada@host"}} {
		if err := ring.Add(key); err != nil {
			t.Fatal(err)
		}
	}
	serveAgent(t, ring)
	keys, err := sshx.AgentKeys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%+v, %v", keys, err)
	}
	want := line(t, edKey.Public(), "anything")
	if got := keys[0]; !sshx.SamePublic(got.Public, want) || got.Identity() != "" || got.Where() != "ssh-agent ada@host" || len(got.Hash()) != 64 {
		t.Errorf("%+v", got)
	}

	held := func() ([]sshx.Key, error) { return sshx.AgentKeys(t.Context()) }
	t.Run("only where there is no file", func(t *testing.T) {
		key, err := sshx.FindKey(home(t, nil), held)
		if err != nil || !key.InAgent {
			t.Errorf("%+v, %v", key, err)
		}
		key, err = sshx.FindKey(home(t, map[string]string{"id_ecdsa.pub": ecdsaLine(t)}), held)
		if err != nil || !key.InAgent || len(key.PassedOver) != 1 {
			t.Errorf("beside a file of no use: %+v, %v", key, err)
		}
		key, err = sshx.FindKey(home(t, map[string]string{"id_ed25519.pub": ed25519Line(t)}), held)
		if err != nil || key.InAgent {
			t.Errorf("beside a file: %+v, %v", key, err)
		}
	})
}

func TestNoAgentIsNoKey(t *testing.T) {
	for name, socket := range map[string]string{"not named": "", "gone": filepath.Join(t.TempDir(), "gone")} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SSH_AUTH_SOCK", socket)
			keys, err := sshx.AgentKeys(t.Context())
			if err != nil || len(keys) != 0 {
				t.Errorf("%+v, %v", keys, err)
			}
			held := func() ([]sshx.Key, error) { return keys, err }
			var none *sshx.NoKeyError
			if _, err := sshx.FindKey(home(t, nil), held); !errors.As(err, &none) {
				t.Errorf("%v", err)
			}
		})
	}
}

// An agent that does not answer is named among what was no use.
func TestAgentThatIsSilent(t *testing.T) {
	silent := func() ([]sshx.Key, error) { return nil, errors.New("no answer") }
	var none *sshx.NoKeyError
	if _, err := sshx.FindKey(home(t, nil), silent); !errors.As(err, &none) || len(none.PassedOver) != 1 {
		t.Errorf("%v", err)
	}
}

func TestWhereSystemsDiffer(t *testing.T) {
	for _, tt := range []struct{ goos, environment, agent, home, file string }{
		{"linux", "", "", "/home/ada", "/home/ada/.ssh/box.pem"},
		{"darwin", "/private/tmp/launchd/Listeners", "/private/tmp/launchd/Listeners", "/Users/ada", "/Users/ada/.ssh/box.pem"},
		{"windows", "", `\\.\pipe\openssh-ssh-agent`, `C:\Users\Ada L`, `C:\Users\Ada L\.ssh\box.pem`},
		{"windows", "/tmp/ssh-XXXX/agent.1", `\\.\pipe\openssh-ssh-agent`, `C:\`, `C:\.ssh\box.pem`},
		{"windows", `\\.\pipe\mine`, `\\.\pipe\mine`, `D:\ada`, `D:\ada\.ssh\box.pem`},
		{"windows", `//./pipe/mine`, `//./pipe/mine`, `D:\ada`, `D:\ada\.ssh\box.pem`},
	} {
		if got := sshx.AgentAddress(tt.goos, tt.environment); got != tt.agent {
			t.Errorf("%s, %q: the agent is at %q, want %q", tt.goos, tt.environment, got, tt.agent)
		}
		if got := sshx.SSHFile(tt.goos, tt.home, "box.pem"); got != tt.file {
			t.Errorf("%s: %q, want %q", tt.goos, got, tt.file)
		}
	}
	for goos, want := range map[string]string{"windows": `"C:/Users/Ada L/.ssh/box"`, "linux": `"C:\\Users\\Ada L\\.ssh\\box"`} {
		if got := sshx.QuotePathOn(goos, `C:\Users\Ada L\.ssh\box`); got != want {
			t.Errorf("%s: %s, want %s", goos, got, want)
		}
	}
}

func TestFindIdentity(t *testing.T) {
	dir := home(t, map[string]string{"both.pem": "x", "both": "x", "plain": "x"})
	for name, want := range map[string]string{
		"both": "both.pem", "plain": "plain", "none": "", "": "", "../.ssh/plain": "", ".": "", `a\plain`: "",
	} {
		got := sshx.FindIdentity(dir, name)
		if want != "" {
			want = filepath.Join(dir, ".ssh", want)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
