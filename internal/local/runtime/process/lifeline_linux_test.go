package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
)

// leashed is an agent that Linux does not kill with its cloud, as on other
// systems: all that ends it is its standard input.
func leashed() int {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0); err != nil {
		fmt.Println(err)
		return 6
	}
	EndWithCloud(os.Stdin)
	fmt.Printf("agent %d.\n", os.Getpid())
	time.Sleep(time.Hour)
	return 0
}

// cloud boots a machine with such an agent and waits to be killed.
func cloud() int {
	exe, err := os.Executable()
	if err != nil {
		return 5
	}
	dir, err := os.Getwd()
	if err != nil {
		return 5
	}
	_, err = New(Options{Command: []string{exe}, Env: []string{roleKey + "=leashed"}}).Boot(context.Background(), runtime.Machine{
		ID: "i-1", Dir: filepath.Join(dir, "i-1"), APIAddr: "127.0.0.1:4566", Console: os.Stdout, Metadata: http.NotFoundHandler(),
	})
	if err != nil {
		fmt.Println(err)
		return 4
	}
	time.Sleep(time.Hour)
	return 0
}

func TestAgentsEndWithAKilledCloud(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	console := &screen{}
	cmd := exec.Command(exe)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), roleKey+"=cloud")
	cmd.Stdout = console
	cmd.WaitDelay = time.Second // an agent that lives on keeps the console open
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has gone by then unless the test failed
	console.waitFor(t, ".\n")
	_, text, _ := strings.Cut(console.String(), "agent ")
	number, _, _ := strings.Cut(text, ".\n")
	agent, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("the console has no agent: %s", console)
	}
	time.Sleep(100 * time.Millisecond)
	if err := syscall.Kill(agent, 0); err != nil {
		t.Fatalf("the agent does not live while its cloud does: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for end := time.Now().Add(10 * time.Second); ended(agent) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(agent, syscall.SIGKILL)
			t.Fatal("the agent outlives its cloud")
		}
	}
}

var errEnded = errors.New("it has ended")

// ended is an error once a process has gone or waits for whoever adopted it.
func ended(pid int) error {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if strings.Contains(string(text), ") Z ") {
		return errEnded
	}
	return nil
}
