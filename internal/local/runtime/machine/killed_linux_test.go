package machine_test

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// cloudsDir is set in the process that is a cloud which will be killed.
const cloudsDir = "SPAWN_MACHINE_CLOUD"

func doomed(dir string) runtime.Machine {
	return runtime.Machine{ID: "i-0e2e0doomed", Hostname: "ip-172-31-0-10", PrivateIP: "172.31.0.10", Gateway: "172.31.0.1", VCPUs: 1, Dir: dir, Metadata: metadata("")}
}

// TestMachineDiesWithItsCloud kills the process that booted a machine, without
// a warning: nothing of it may be left but files.
func TestMachineDiesWithItsCloud(t *testing.T) {
	if dir := os.Getenv(cloudsDir); dir != "" {
		start(t, newRuntime(t), doomed(dir))
		_, _ = os.Stdout.WriteString("up\n")
		time.Sleep(time.Minute) // it is killed meanwhile
		t.Fatal("nobody killed the cloud")
	}
	newRuntime(t)
	dir := t.TempDir()
	cloud := exec.Command(os.Args[0], "-test.run", "^TestMachineDiesWithItsCloud$")
	cloud.Env = append(os.Environ(), cloudsDir+"="+dir)
	out, err := cloud.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cloud.Stderr = os.Stderr
	if err := cloud.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	killed := cloud.Process.Kill()
	_ = cloud.Wait() // it was killed
	if err != nil || line != "up\n" || killed != nil {
		t.Fatalf("the cloud said %q (%v, %v)", line, err, killed)
	}
	m := doomed(dir)
	for end := time.Now().Add(20 * time.Second); len(left(t, m)) > 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		continue
	}
	checkNothingLeft(t, m)
}
