package sandbox_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// bytesThrough sums what an interface received and sent.
func bytesThrough(t *testing.T, m runtime.Running, name string) int {
	t.Helper()
	out, _ := inside(t, m, "tr : ' ' </proc/net/dev | awk '$1 == \""+name+"\" {print $2 + $10}'")
	n, err := strconv.Atoi(out)
	if err != nil {
		t.Fatalf("%s in /proc/net/dev: %q", name, out)
	}
	return n
}

func TestNetworkCountersTellWorkFromMetadata(t *testing.T) {
	needSandbox(t)
	for _, need := range []string{"/usr/bin/curl", "/bin/bash"} {
		if _, err := os.Stat(need); err != nil {
			t.Skipf("no %s to make traffic with", need)
		}
	}
	m, console := boot(t, "")
	booted(t, m, console, 1)
	if out, code := inside(t, m, "ls -x /sys/class/net; ls -d /sys/class/net/ens5"); code != 0 {
		t.Skipf("this kernel makes no ens5: %s", out)
	}
	if out, _ := inside(t, m, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort | tr '\\n' ' '"); strings.TrimSpace(out) != "ens5 lo" {
		t.Errorf("the machine has the interfaces %q", out)
	}
	before, loBefore := bytesThrough(t, m, "ens5"), bytesThrough(t, m, "lo")
	if out, code := inside(t, m, `for i in 1 2 3 4 5 6 7 8 9 10; do curl -s -o /dev/null http://169.254.169.254/latest/ && curl -s -o /dev/null http://127.0.0.1:4566/ || exit 1; done`); code != 0 {
		t.Fatal(out)
	}
	if grown := bytesThrough(t, m, "ens5") - before; grown > 1000 { // what IPv6 says to itself
		t.Errorf("questions to the metadata service and the cloud were %d bytes of work", grown)
	}
	if grown := bytesThrough(t, m, "lo") - loBefore; grown < 5000 {
		t.Errorf("they were %d bytes on the loopback: this proves nothing", grown)
	}
	before = bytesThrough(t, m, "ens5")
	if out, code := inside(t, m, `bash -c 'b=$(printf %1000s); for i in $(seq 20); do echo "$b" >/dev/udp/172.31.0.1/9; done'`); code != 0 {
		t.Errorf("cannot send to the gateway: %s", out)
	}
	if grown := bytesThrough(t, m, "ens5") - before; grown < 20_000 || grown > 100_000 {
		t.Errorf("20000 bytes of work were %d bytes", grown)
	}
	if out, code := inside(t, m, "curl -s -m 3 http://172.31.0.1/; [ $? = 7 ]"); code != 0 { // refused, and at once
		t.Errorf("the gateway answered %s", out)
	}
}

func TestTheInterfaceHasTheAddress(t *testing.T) {
	needSandbox(t)
	if _, err := os.Stat("/sbin/ip"); err != nil {
		t.Skip("no ip to ask")
	}
	m, _ := boot(t, "")
	out, code := inside(t, m, "ip -o -4 addr show dev ens5")
	if code != 0 && strings.Contains(out, "does not exist") {
		t.Skip("this kernel makes no ens5")
	}
	if !strings.Contains(out, "inet 172.31.0.5/32") {
		t.Errorf("%d: %s", code, out)
	}
}
