package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
)

// awkward makes the host one that needs a sandbox's ways around: its first
// argument says which, its second is an empty folder.
func awkward() int {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		fmt.Println(err)
		return 1
	}
	kind, dir := os.Args[1], os.Args[2]
	var errs []error
	switch kind {
	case "the folder is on an overlay":
		for _, d := range []string{"lower", "t", "merged"} {
			errs = append(errs, os.Mkdir(filepath.Join(dir, d), 0o755))
		}
		errs = append(errs, unix.Mount("tmpfs", dir+"/t", "tmpfs", 0, ""), os.Mkdir(dir+"/t/u", 0o755), os.Mkdir(dir+"/t/w", 0o755),
			unix.Mount("overlay", dir+"/merged", "overlay", 0, "lowerdir="+dir+"/lower,upperdir="+dir+"/t/u,workdir="+dir+"/t/w,userxattr"))
		dir += "/merged"
	case "mounts below /usr and /var":
		errs = append(errs, unix.Mount("tmpfs", "/usr/games", "tmpfs", 0, ""), unix.Mount("tmpfs", "/var/lib/misc", "tmpfs", 0, ""))
	case "the home directory is below /opt":
		errs = append(errs, unix.Mount("tmpfs", "/opt", "tmpfs", 0, ""), os.MkdirAll("/opt/me/.aws", 0o755), os.Setenv("HOME", "/opt/me"))
	case "the folder is below /var":
		errs = append(errs, unix.Mount("tmpfs", "/var/tmp", "tmpfs", 0, ""))
		dir = "/var/tmp"
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Println(err)
		return 2
	}
	m, err := sandbox.New(options()).Boot(context.Background(), runtime.Machine{
		ID: "i-0d", Hostname: "awkward", PrivateIP: "172.31.0.9", Dir: dir, Console: os.Stdout,
		Metadata: metadata("#!/bin/sh\nset -e\necho x >/usr/local/bin/x\nmkdir -p /var/lib/x /opt/x\n[ ! -e /opt/me/.aws ]\necho written\n/usr/sbin/poweroff || poweroff\n"),
	})
	if err != nil {
		fmt.Println(err)
		return 3
	}
	select {
	case <-m.Done():
		return 0
	case <-time.After(10 * time.Second):
		return 4
	}
}

func TestNothingOutlivesTheCloud(t *testing.T) {
	needSandbox(t)
	before := mounts(t)
	dir := folder(t)
	mark := strconv.Itoa(700000 + os.Getpid()) // of this test's processes alone
	cloud := exec.Command("/proc/self/exe", dir, "#!/bin/sh\nsetsid sleep "+mark+" &\nsetsid setsid sh -c 'trap \"\" TERM HUP; sleep "+mark+"' &\necho running\n")
	cloud.Env = append(os.Environ(), roleKey+"=cloud")
	console := &screen{}
	cloud.Stdout, cloud.Stderr = console, console
	if err := cloud.Start(); err != nil {
		t.Fatal(err)
	}
	console.waitFor(t, "user-data is done")
	// What the script left in the background may still be starting.
	for end := time.Now().Add(10 * time.Second); len(processes(t, mark)) < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q before the kill, want two: this test proves nothing", processes(t, mark))
		}
	}
	if err := cloud.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cloud.Wait() // it was killed
	for end := time.Now().Add(10 * time.Second); len(processes(t, mark)) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left: %q", processes(t, mark))
		}
	}
	if after := mounts(t); after != before {
		t.Errorf("mounts were left:\n%s\nbefore:\n%s", after, before)
	}
	// And the disk is free for the next cloud.
	m, _ := bootIn(t, dir, "")
	m.PowerOff(t.Context())
}

// processes are the command lines on this host that contain mark.
func processes(t *testing.T, mark string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err == nil && bytes.Contains(b, []byte(mark)) {
			out = append(out, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return out
}

func mounts(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAwkwardHosts(t *testing.T) {
	needSandbox(t)
	for _, kind := range []string{"the folder is on an overlay", "mounts below /usr and /var", "the home directory is below /opt", "the folder is below /var"} {
		t.Run(kind, func(t *testing.T) {
			if _, err := os.Stat("/usr/games"); err != nil {
				t.Skip("no /usr/games to mount over")
			}
			out, err := rerun("awkward", inNamespaces(0), kind, folder(t))
			if err != nil || !bytes.Contains(out, []byte("written")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestTrialSaysWhyNot(t *testing.T) {
	dir := folder(t)
	broken := sandbox.Options{Init: []string{"/bin/false"}}
	if err := sandbox.Trial(t.Context(), broken, filepath.Join(dir, "trial")); err == nil {
		t.Error("a trial with an init that fails succeeded")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the trial left %v, %v", left, err)
	}
}

// TestAsAPlainUser runs the tests of this file again without root's rights.
func TestAsAPlainUser(t *testing.T) {
	if os.Getenv(plainKey) != "" || os.Geteuid() != 0 {
		t.Skip("the tests run as a plain user already")
	}
	dir := folder(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, plainID, plainID); err != nil {
		t.Skipf("cannot give a folder to another user: %v", err)
	}
	binary := filepath.Join(dir, "sandbox.test")
	copyBinary(t, binary)
	args := []string{"-test.timeout=5m", "-test.short"} // fifty machines at once are enough once
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, plainKey + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: plainID, Gid: plainID}, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("cannot become another user: %v", err)
	}
	t.Logf("as user %d:\n%s", plainID, out)
	if err != nil {
		t.Error(err)
	}
}

func copyBinary(t *testing.T, to string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
