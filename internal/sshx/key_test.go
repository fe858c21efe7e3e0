package sshx_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// line writes a public key as ssh-keygen does.
func line(t *testing.T, public any, comment string) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + comment + "\n"
}

func rsaLine(t *testing.T, bits int) string {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return line(t, &key.PublicKey, "ada@host")
}

func ed25519Line(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return line(t, public, "ada@host")
}

func ecdsaLine(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return line(t, &key.PublicKey, "ada@host")
}

// home makes a home folder with files in its .ssh.
func home(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, ".ssh", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindPublicKey(t *testing.T) {
	rsa2048, ed := rsaLine(t, 2048), ed25519Line(t)
	tests := []struct {
		name   string
		files  map[string]string
		want   string // the name of the file that is chosen, "" for none
		passed []string
	}{
		{"nothing", nil, "", nil},
		{"rsa", map[string]string{"id_rsa.pub": rsa2048}, "id_rsa.pub", nil},
		{"ed25519", map[string]string{"id_ed25519.pub": ed}, "id_ed25519.pub", nil},
		{"both", map[string]string{"id_rsa.pub": rsa2048, "id_ed25519.pub": ed}, "id_rsa.pub", nil},
		{"rsa of the wrong length", map[string]string{"id_rsa.pub": rsaLine(t, 3072), "id_ed25519.pub": ed}, "id_ed25519.pub", []string{"id_rsa.pub"}},
		{"only rsa of the wrong length", map[string]string{"id_rsa.pub": rsaLine(t, 3072)}, "", []string{"id_rsa.pub"}},
		{"ecdsa", map[string]string{"id_ecdsa.pub": ecdsaLine(t)}, "", []string{"id_ecdsa.pub"}},
		{"ecdsa under another name", map[string]string{"id_rsa.pub": ecdsaLine(t)}, "", []string{"id_rsa.pub"}},
		{"garbage", map[string]string{"id_rsa.pub": "banana", "id_ed25519.pub": ""}, "", []string{"id_rsa.pub", "id_ed25519.pub"}},
		{"a private key", map[string]string{"id_rsa.pub": "-----BEGIN OPENSSH PRIVATE KEY-----\n"}, "", []string{"id_rsa.pub"}},
		{"a private key alone", map[string]string{"id_rsa": "x", "id_ed25519": "x"}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := home(t, tt.files)
			key, err := sshx.FindPublicKey(dir)
			passed := key.PassedOver
			if tt.want == "" {
				var none *sshx.NoKeyError
				if !errors.As(err, &none) || problem.KindOf(err) != problem.NotFound {
					t.Fatalf("%+v, %v", key, err)
				}
				passed = none.PassedOver
			} else if err != nil || key.Path != filepath.Join(dir, ".ssh", tt.want) {
				t.Fatalf("%+v, %v", key, err)
			}
			var names []string
			for _, p := range passed {
				names = append(names, filepath.Base(p.Path))
				if p.Reason == "" || err != nil && !strings.Contains(err.Error(), p.Reason) {
					t.Errorf("%s was passed over without a reason in %v", p, err)
				}
			}
			if diff := cmp.Diff(tt.passed, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAKeyFileIsAFile(t *testing.T) {
	dir := home(t, nil)
	if err := os.Mkdir(filepath.Join(dir, ".ssh", "id_rsa.pub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if key, err := sshx.FindPublicKey(dir); err == nil {
		t.Errorf("%+v", key)
	}
}

func TestKeyLengths(t *testing.T) {
	for bits, want := range map[int]bool{1024: true, 1536: false, 2048: true, 3072: false, 4096: true} {
		if testing.Short() && bits > 2048 {
			continue
		}
		path := filepath.Join(t.TempDir(), "k.pub")
		if err := os.WriteFile(path, []byte(rsaLine(t, bits)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sshx.ReadPublicKey(path); (err == nil) != want {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	ed := ed25519Line(t)
	dir := home(t, map[string]string{"id_ed25519.pub": ed})
	key, err := sshx.FindPublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if key.PrivatePath != "" || key.Identity() != key.Path {
		t.Errorf("without a private key: %q, %q", key.PrivatePath, key.Identity())
	}
	private := filepath.Join(dir, ".ssh", "id_ed25519")
	if err := os.WriteFile(private, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err = sshx.FindPublicKey(dir); err != nil || key.PrivatePath != private || key.Identity() != private {
		t.Errorf("with a private key: %q, %q, %v", key.PrivatePath, key.Identity(), err)
	}
	if key.Comment != "ada@host" || key.Type != "ssh-ed25519" || !strings.HasPrefix(ed, key.Public+" ") {
		t.Errorf("%+v of %s", key, ed)
	}
}

func TestSamePublic(t *testing.T) {
	one, other, long := ed25519Line(t), ed25519Line(t), rsaLine(t, 2048)
	bare := strings.Join(strings.Fields(one)[:2], " ")
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{one, one, true},
		{one, bare, true},
		{one, bare + " default-ssh-key\r\n", true},
		{one, "  " + bare + "\t x y z", true},
		{one, `from="10.0.0.0/8" ` + bare, true},
		{one, other, false},
		{one, long, false},
		{one, "", false},
		{"", "", false},
		{"banana", "banana", false},
		{one, bare[:len(bare)-4], false},
		{one, "ssh-rsa " + strings.Fields(one)[1], false},
	} {
		if got := sshx.SamePublic(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %v", tt.a, tt.b, got)
		}
		if got := sshx.SamePublic(tt.b, tt.a); got != tt.want {
			t.Errorf("%q and %q: %v", tt.b, tt.a, got)
		}
	}
}

func TestCreateKey(t *testing.T) {
	dir := t.TempDir()
	made, err := sshx.CreateKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	found, err := sshx.FindPublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, found); diff != "" {
		t.Error(diff)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{filepath.Dir(made.Path): 0o700, made.PrivatePath: 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
	text, err := os.ReadFile(made.PrivatePath)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if !sshx.SamePublic(made.Public, string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) {
		t.Error("the two files hold different keys")
	}
	if made.Fingerprint() != ssh.FingerprintSHA256(signer.PublicKey()) {
		t.Errorf("the fingerprint is %s", made.Fingerprint())
	}
	if other, err := sshx.CreateKey(t.TempDir()); err != nil || other.Hash() == made.Hash() || len(made.Hash()) != 64 {
		t.Errorf("hashes %s and %s, %v", made.Hash(), other.Hash(), err)
	}
}

// TestOfSeveralWhoMakeAKeyAllHaveTheSame: launches that begin together on a new
// machine.
func TestOfSeveralWhoMakeAKeyAllHaveTheSame(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		keys, errs := make([]sshx.Key, 8), make([]error, 8)
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() { keys[i], errs[i] = sshx.ProvideKey(dir) })
		}
		all.Wait()
		for i, key := range keys {
			if errs[i] != nil || !sshx.SamePublic(key.Public, keys[0].Public) {
				t.Fatalf("%v, %v", key, errs[i])
			}
		}
	}
	half := home(t, map[string]string{"id_ed25519": "mine"})
	if _, err := sshx.ProvideKey(half); !errors.Is(err, fs.ErrExist) {
		t.Errorf("half a key in the way: %v", err)
	}
}

func TestCreateKeyNeverOverwrites(t *testing.T) {
	for _, name := range []string{"id_ed25519", "id_ed25519.pub"} {
		dir := home(t, map[string]string{name: "mine"})
		if key, err := sshx.CreateKey(dir); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %+v, %v", name, key, err)
		}
		files, err := os.ReadDir(filepath.Join(dir, ".ssh"))
		if err != nil || len(files) != 1 {
			t.Errorf("%s: %v, %v", name, files, err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, ".ssh", name)); err != nil || string(text) != "mine" {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
	dir := home(t, nil)
	elsewhere := filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(elsewhere, filepath.Join(dir, ".ssh", "id_ed25519")); err != nil {
		t.Skip("links cannot be made here: ", err)
	}
	if _, err := sshx.CreateKey(dir); err == nil {
		t.Error("a key was written through a link")
	}
	if _, err := os.Lstat(elsewhere); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written through a link: %v", err)
	}
}

// openSSH finds a program of OpenSSH, all of which refuse to run for a user
// that the system does not know by name.
func openSSH(t *testing.T, program string) (path string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	// Whatever it is asked, this comes first, and with an error.
	out, _ := exec.CommandContext(t.Context(), path, "-?").CombinedOutput()
	if strings.Contains(string(out), "No user exists") {
		t.Skipf("%s does not run here: %s", program, out)
	}
	return path
}

func TestOpenSSHReadsOurKeys(t *testing.T) {
	keygen := openSSH(t, "ssh-keygen")
	key, err := sshx.CreateKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{key.Path, key.PrivatePath} {
		out, err := exec.CommandContext(t.Context(), keygen, "-l", "-f", path).CombinedOutput()
		if err != nil || !strings.Contains(string(out), key.Fingerprint()) {
			t.Errorf("%s: %s, %v; want %s", path, out, err, key.Fingerprint())
		}
	}
	out, err := exec.CommandContext(t.Context(), keygen, "-y", "-f", key.PrivatePath).Output()
	if err != nil || !sshx.SamePublic(string(out), key.Public) {
		t.Errorf("the private key is that of %s, %v", out, err)
	}
}

// What ssh-keygen makes when it is not told otherwise, and what EC2 takes.
func TestKeysOfOpenSSH(t *testing.T) {
	keygen := openSSH(t, "ssh-keygen")
	for _, tt := range []struct {
		args []string
		want bool
	}{
		{[]string{"-t", "ed25519"}, true},
		{[]string{"-t", "rsa", "-b", "2048"}, true},
		{[]string{"-t", "rsa", "-b", "3072"}, false},
		{[]string{"-t", "ecdsa"}, false},
	} {
		path := filepath.Join(t.TempDir(), "key")
		args := append(tt.args, "-q", "-N", "", "-C", "a comment", "-f", path)
		if out, err := exec.CommandContext(t.Context(), keygen, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s, %v", args, out, err)
		}
		key, err := sshx.ReadPublicKey(path + ".pub")
		if (err == nil) != tt.want {
			t.Errorf("%v: %v", tt.args, err)
		}
		if tt.want && (key.Comment != "a comment" || key.PrivatePath != path) {
			t.Errorf("%v: %+v", tt.args, key)
		}
	}
}

func FuzzSamePublic(f *testing.F) {
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1kQq x")
	f.Add("ssh-rsa AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, a string) {
		if sshx.SamePublic(a, a) != sshx.SamePublic(a, a+"\n") {
			t.Fatalf("an end of line changes %q", a)
		}
	})
}
