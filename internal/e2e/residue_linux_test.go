package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestNothingIsLeft boots five instances and ends the cloud in each way that
// there is. A cloud that was killed leaves files alone, until the next "spawn
// local down"; any other leaves nothing.
func TestNothingIsLeft(t *testing.T) {
	for _, tt := range []struct {
		runtime     string
		plain       bool
		kill, again bool
	}{
		{runtime: "sandbox"},
		{runtime: "sandbox", plain: true},
		{runtime: "sandbox", kill: true, again: true},
		{runtime: "sandbox", kill: true, plain: true},
		{runtime: "process", kill: true, again: true},
	} {
		t.Run(fmt.Sprintf("%s, plain user %t, killed %t, started again %t", tt.runtime, tt.plain, tt.kill, tt.again), func(t *testing.T) {
			t.Parallel()
			if tt.plain && os.Getuid() != 0 {
				t.Skip("only root can become another plain user; the other case runs as one already")
			}
			u := newUser(t, tt.plain)
			if r := u.try(nil, "spawn", "local", "up", "--runtime", tt.runtime); r.code != 0 {
				t.Skipf("the runtime %s does not work here: %s %s", tt.runtime, r.stderr, u.log())
			}
			checkPrivate(t, filepath.Join(u.cloudDir(), "cloud.json"))
			launchFive(t, u)
			found := tracesOf(t, u)
			if tt.kill {
				kill(t, u)
				found.checkGone(t, u)
			}
			if tt.again {
				u.do(nil, "spawn", "local", "up", "--runtime", tt.runtime)
				awaitRunning(t, u, 5)
				found = tracesOf(t, u)
			}
			u.do(nil, "spawn", "local", "down")
			found.checkGone(t, u)
			if _, err := os.Stat(u.cloudDir()); !os.IsNotExist(err) {
				t.Errorf("the cloud's folder is still there: %v", err)
			}
		})
	}
}

// checkPrivate holds a file with credentials to its owner's eyes.
func checkPrivate(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s is %s", file, info.Mode())
	}
}

func kill(t *testing.T, u *user) {
	t.Helper()
	if err := syscall.Kill(u.contact().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func launchFive(t *testing.T, u *user) {
	t.Helper()
	target, _ := u.contact().look(t)
	_, err := target.EC2().RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId:      aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(5), MaxCount: aws.Int32(5),
		UserData: aws.String("IyEvYmluL3NoCnNldHNpZCBzbGVlcCAzNjAwICYK"), // a script that leaves a process in the background
	})
	if err != nil {
		t.Fatal(err)
	}
	awaitRunning(t, u, 5)
	time.Sleep(1200 * time.Millisecond) // real time: a second of it may be lost, by contract
}

func awaitRunning(t *testing.T, u *user, want int) {
	t.Helper()
	target, _ := u.contact().look(t)
	defer func() {
		if t.Failed() {
			t.Log(u.log())
		}
	}()
	until(t, fmt.Sprintf("%d instances run", want), func() bool {
		out, err := target.EC2().DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
			Filters: []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"running"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range out.Reservations {
			n += len(r.Instances)
		}
		return n == want
	})
}

// traces are what a cloud and its machines have on this host while they live.
type traces struct {
	processes  []int           // below the cloud, or in a namespace of one that is
	namespaces map[string]bool // of theirs and not of ours
}

var kindsOfNamespace = []string{"user", "mnt", "pid", "net", "uts", "ipc", "cgroup", "time"}

func tracesOf(t *testing.T, u *user) traces {
	t.Helper()
	found := traces{processes: descendants(t, u.contact().PID), namespaces: map[string]bool{}}
	if len(found.processes) < 6 {
		t.Errorf("five machines are not five processes below the cloud: %v", found.processes)
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range found.processes {
		for _, kind := range kindsOfNamespace {
			theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
			ours, ownErr := os.Readlink("/proc/self/ns/" + kind)
			if err == nil && ownErr == nil && theirs != ours {
				found.namespaces[theirs] = true
			}
		}
		if group, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)); err == nil && string(group) != string(own) && alive(pid) {
			t.Errorf("process %d is in a control group of its own: %s", pid, group)
		}
	}
	links, err := filepath.Glob("/proc/[0-9]*/ns/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		var pid int
		in, err := os.Readlink(link)
		if _, scanErr := fmt.Sscanf(link, "/proc/%d/", &pid); err == nil && scanErr == nil && found.namespaces[in] {
			found.processes = append(found.processes, pid)
		}
	}
	return found
}

// checkGone fails unless processes, and with them namespaces, and mounts have
// gone, which they do by themselves, in a moment.
func (found traces) checkGone(t *testing.T, u *user) {
	t.Helper()
	until(t, "the processes have gone", func() bool { return !slices.ContainsFunc(found.processes, alive) })
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		held := false // a namespace can be kept by a mount of its file
		for in := range found.namespaces {
			held = held || strings.Contains(line, in)
		}
		if held || strings.Contains(line, u.home) {
			t.Errorf("a mount is left: %s", line)
		}
	}
	arguments, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range arguments {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), u.home) {
			t.Errorf("%s is of the cloud: %q", path, text)
		}
	}
}
