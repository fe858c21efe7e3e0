package sense

import (
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheMeterAgreesWithTheInterface reads metadata across a pair of virtual
// interfaces between two network namespaces and compares the meter with what
// the interface counted: too little and an idle instance looks busy, too much
// and the agent's reading hides traffic.
func TestTheMeterAgreesWithTheInterface(t *testing.T) {
	if os.Getenv(besideMeter) != "" {
		serveBesideMeter(t)
		return
	}
	if os.Getenv(insideMeter) != "" {
		readThroughMeter(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("network namespaces with interfaces between them need root")
	}
	ip, err := exec.LookPath("ip")
	if err != nil {
		t.Skip("the program ip is missing")
	}
	// In the test's own namespaces nothing is left behind.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheMeterAgreesWithTheInterface$", "-test.v")
	cmd.Env = append(os.Environ(), insideMeter+"="+ip)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil && strings.Contains(string(out), "SKIPPED") {
		t.Skipf("interfaces cannot be made here:\n%s", out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

const insideMeter, besideMeter = "SPORED_TEST_INSIDE_METER", "SPORED_TEST_BESIDE_METER"

// serveBesideMeter is the metadata service's side, a process of its own. It
// ends with its standard input.
func serveBesideMeter(t *testing.T) {
	t.Helper()
	s := &metadataStand{paths: map[string]string{"tags/instance/Name": "x"}, asked: map[string]int{}, close: os.Getenv(besideMeter) == "close"}
	server := httptest.NewUnstartedServer(s)
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil { // the address is there
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "10.9.9.2:80")
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	_, _ = os.Stdin.Read(make([]byte, 1))
}

func readThroughMeter(t *testing.T) {
	t.Helper()
	ip := os.Getenv(insideMeter)
	for _, mode := range []string{"keep", "close"} {
		beside := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheMeterAgreesWithTheInterface$")
		beside.Env = append(os.Environ(), besideMeter+"="+mode)
		beside.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		stdin, err := beside.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := beside.Start(); err != nil {
			t.Fatal(err)
		}
		name, pid := "m"+mode, strconv.Itoa(beside.Process.Pid)
		for _, args := range []string{
			"link add " + name + " type veth peer name eth9 netns " + pid,
			"addr add 10.9.9.1/24 dev " + name,
			"link set " + name + " up",
		} {
			if out, err := exec.CommandContext(t.Context(), ip, strings.Fields(args)...).CombinedOutput(); err != nil {
				t.Fatalf("SKIPPED: ip %s: %v %s", args, err, out)
			}
		}
		enter := exec.CommandContext(t.Context(), "nsenter", "-t", pid, "-n", "sh", "-c", "ip addr add 10.9.9.2/24 dev eth9 && ip link set eth9 up")
		if out, err := enter.CombinedOutput(); err != nil {
			t.Fatalf("SKIPPED: nsenter: %v %s", err, out)
		}
		if _, err := stdin.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		compareMeter(t, mode, name)
		if err := stdin.Close(); err != nil {
			t.Fatal(err)
		}
		if err := beside.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// compareMeter reads a hundred things and compares.
func compareMeter(t *testing.T, mode, name string) {
	t.Helper()
	m := NewMetadata("http://10.9.9.2")
	counted := func() uint64 {
		b, err := (&file{path: "/proc/net/dev", enough: 1 << 16}).read()
		if err != nil {
			t.Fatal(err)
		}
		interfaces, err := parseNetDev(b)
		if err != nil {
			t.Fatal(err)
		}
		return interfaces[name].in + interfaces[name].out
	}
	for range 100 { // until it listens
		if _, err := m.read(t.Context(), "tags/instance/Name", 100); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	counter, meter := counted(), m.Traffic()
	for range 100 {
		if _, err := m.read(t.Context(), "tags/instance/Name", 100); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond)
	counter, meter = counted()-counter, m.Traffic()-meter
	t.Logf("%s: the interface counted %d bytes, the meter %d, for 100 requests", mode, counter, meter)
	if off := float64(meter)/float64(counter) - 1; off < -0.05 || off > 0.05 {
		t.Errorf("%s: the meter is off by %.1f %%", mode, 100*off)
	}
}
