//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/local/control"
)

// user is somebody at a machine of their own: a home, and nothing in it.
type user struct {
	t    testing.TB
	home string
	as   *syscall.Credential // nil: whoever runs the tests
	env  []string
}

// plainUID is no user of the machine: nothing is theirs but their home.
const plainUID = 43210

// newUser makes a home. plain asks for somebody without any privilege, which
// only root can become.
func newUser(t testing.TB, plain bool, env ...string) *user {
	t.Helper()
	home, err := os.MkdirTemp("", "spawn-home-")
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, home: home, env: env}
	if plain && os.Getuid() == 0 {
		u.as = &syscall.Credential{Uid: plainUID, Gid: plainUID}
		if err := os.Chown(home, plainUID, plainUID); err != nil {
			_ = os.Remove(home)
			t.Skipf("this root cannot become another user, as in a container of one user: %v", err)
		}
	}
	t.Cleanup(func() {
		u.down()
		if err := os.RemoveAll(home); err != nil {
			t.Errorf("remove the home: %v", err)
		}
	})
	return u
}

func (u *user) command(program string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	u.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(programs, program), args...)
	cmd.Dir = u.home
	cmd.Env = append([]string{"HOME=" + u.home, "PATH=" + programs + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "AWS_EC2_METADATA_DISABLED=true"}, u.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.as}
	return cmd
}

// result is what a program did.
type result struct {
	code           int
	stdout, stderr string
}

func (u *user) try(stdin io.Reader, program string, args ...string) result {
	u.t.Helper()
	cmd := u.command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		u.t.Fatalf("%s %q: %v", program, args, err)
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// do runs a program that must succeed and returns its standard output.
func (u *user) do(stdin io.Reader, program string, args ...string) string {
	u.t.Helper()
	r := u.try(stdin, program, args...)
	if r.code != 0 {
		u.t.Fatalf("%s %s exited with %d:\n%s\nthe local cloud's log:\n%s", program, strings.Join(args, " "), r.code, r.stderr, u.log())
	}
	return r.stdout
}

func (u *user) cloudDir() string { return filepath.Join(u.home, ".local/state/spawn/local") }

func (u *user) log() string {
	text, err := os.ReadFile(filepath.Join(u.cloudDir(), "cloud.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (u *user) down() {
	if r := u.try(nil, "spawn", "local", "down"); r.code != 0 {
		u.t.Errorf("spawn local down exited with %d: %s", r.code, r.stderr)
	}
}

// contact is how the user's local cloud is reached.
type contact struct {
	PID             int    `json:"pid"`
	Endpoint        string `json:"endpoint"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	Runtime         string `json:"runtime"`
	RuntimeWhy      string `json:"runtime_why"`
}

func (u *user) contact() contact {
	u.t.Helper()
	path := filepath.Join(u.cloudDir(), "cloud.json")
	text, err := os.ReadFile(path)
	if err != nil {
		u.t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		u.t.Errorf("the keys to the local cloud are readable: %v, %v", info.Mode(), err)
	}
	var c contact
	if err := json.Unmarshal(text, &c); err != nil {
		u.t.Fatal(err)
	}
	return c
}

// look is a client of the user's cloud that is not the programs under test.
func (c contact) look(t testing.TB) (*awsx.Target, *control.Client) {
	t.Helper()
	target, err := awsx.Connect(t.Context(), awsx.Options{Local: &awsx.Local{Endpoint: c.Endpoint, AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}})
	if err != nil {
		t.Fatal(err)
	}
	return target, control.NewClient(c.Endpoint, c.SecretAccessKey)
}

// descendants lists the processes below one, as they are now.
func descendants(t testing.TB, root int) []int {
	t.Helper()
	children := map[int][]int{}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		pid, parent := parents(string(text))
		children[parent] = append(children[parent], pid)
	}
	found := []int{root}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// parents reads a process's id and its parent's from /proc/<pid>/stat. The
// command between them is in parentheses and may contain anything.
func parents(stat string) (pid, parent int) {
	var state string
	fmt.Sscan(stat, &pid)
	fmt.Sscan(stat[strings.LastIndexByte(stat, ')')+1:], &state, &parent)
	return pid, parent
}

// alive tells whether a process exists and is no zombie.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	return !strings.HasPrefix(string(text[bytes.LastIndexByte(text, ')')+1:]), " Z")
}
