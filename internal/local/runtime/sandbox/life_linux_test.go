package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
)

const userData = `Content-Type: multipart/mixed; boundary="BB"
MIME-Version: 1.0

--BB
Content-Type: text/x-shellscript

#!/bin/sh
echo "script after $(cat /usr/local/order)"
echo script >>/usr/local/order
setsid sh -c 'sleep 1000' &
--BB
Content-Type: text/cloud-boothook

#!/bin/sh
echo "hook $INSTANCE_ID" >>/usr/local/order
--BB--
`

func TestUserDataRunsAndTheDiskLasts(t *testing.T) {
	needSandbox(t)
	dir := folder(t)
	for i, want := range []string{"hook i-0abc\nscript", "hook i-0abc\nscript\nhook i-0abc"} {
		m, console := bootIn(t, dir, userData)
		console.waitFor(t, "user-data is done")
		if got, _ := inside(t, m, "cat /usr/local/order"); got != want {
			t.Errorf("boot %d left %q, want %q\n%s", i+1, got, want, console)
		}
		if i == 0 {
			if out, code := inside(t, m, "grep -c 'script after' /var/log/cloud-init-output.log"); code != 0 {
				t.Errorf("the log of the user-data lacks its output: %s", out)
			}
			if _, code := inside(t, m, "for p in /proc/[0-9]*; do grep -q 1000 $p/cmdline && exit 7; done; exit 0"); code != 7 {
				t.Error("what the script left in the background does not run")
			}
		}
		m.PowerOff(t.Context())
		off(t, m, console)
	}
}

func TestInside(t *testing.T) {
	needSandbox(t)
	if _, err := os.Stat("/usr/bin/curl"); err != nil {
		t.Skip("no /usr/bin/curl to ask the services with")
	}
	m, _ := boot(t, "")
	// Everything below is true on a machine of its own, and exits with 0.
	for what, line := range map[string]string{
		"metadata with a token": `t=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token) &&
			[ "$(curl -sf -H "X-aws-ec2-metadata-token: $t" http://169.254.169.254/latest/meta-data/instance-id)" = i-0abc ]`,
		"metadata without a token":  `[ "$(curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/)" = 401 ]`,
		"API":                       `[ "$(curl -sf http://127.0.0.1:4566/)" = "the cloud" ]`,
		"no way out":                `! curl -s -m 3 http://198.51.100.7/`,
		"hostname":                  `[ "$(cat /proc/sys/kernel/hostname)" = ip-172-31-0-5 ] && [ "$(cat /etc/hostname)" = ip-172-31-0-5 ]`,
		"private address":           `grep -q 172.31.0.5 /proc/net/fib_trie`,
		"root":                      `[ "$(id -u)" = 0 ] && [ "$HOME" = /root ]`,
		"homes are empty":           `[ -z "$(ls -A /home)" ] && [ -z "$(ls -A /root)" ] && [ -z "$(ls -A /tmp)" ] && [ -z "$(ls -A /mnt)" ]`,
		"nothing else in /":         `for d in /*; do case $d in /bin|/boot|/dev|/etc|/home|/lib*|/media|/mnt|/opt|/proc|/root|/run|/sbin|/srv|/sys|/tmp|/usr|/var) ;; *) exit 1 ;; esac; done`,
		"no systemd":                `[ ! -e /run/systemd ]`,
		"/var/run":                  `[ "$(readlink -f /var/run)" = /run ]`,
		"no password hashes":        `! grep -v -E '^[^:]*:\*:' /etc/shadow && ! ls /etc/ssh/ssh_host_* /etc/ssl/private/* 2>/dev/null`,
		"few processes":             `[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 8 ]`,
		"devices":                   `[ -c /dev/null ] && echo x >/dev/null && [ "$(head -c 4 /dev/zero | wc -c)" = 4 ] && head -c 1 /dev/urandom >/dev/null && ls /dev/pts /dev/shm >/dev/null && [ -c /dev/tty ]`,
		"console":                   `echo hello >/dev/console`,
		"etc is writable":           `echo x >>/etc/passwd && mkdir -p /etc/spored /etc/systemd/system`,
		"usr is writable":           `mkdir -p /usr/local/lib/x /opt/x /srv/x /var/lib/x /var/cache/x && rm -f /usr/bin/wall && echo '#!/bin/sh' >/usr/bin/new && chmod +x /usr/bin/new && new`,
		"the host's kernel is safe": `! echo 0 >/proc/sys/kernel/panic && ! echo h >/proc/sysrq-trigger && ! touch /sys/x`,
	} {
		if out, code := inside(t, m, "exec 2>&1; "+line); code != 0 {
			t.Errorf("%s: exit code %d: %s", what, code, out)
		}
	}
}

func TestWaysToPowerOff(t *testing.T) {
	needSandbox(t)
	for _, way := range []string{
		"poweroff", "/sbin/poweroff", "halt -p", "shutdown -h now", "shutdown -P +0", "systemctl poweroff",
		"kill -38 1", "kill -TERM 1",
		`setsid sh -c 'trap "" TERM; touch /tmp/set; sleep 1000' & while [ ! -e /tmp/set ]; do sleep 0.01; done; poweroff`, // does not want to go
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			command, _, _ := strings.Cut(way, " ")
			if _, err := exec.LookPath(command); err != nil && (strings.HasPrefix(command, "/") || command == "systemctl") {
				t.Skipf("no %s on this system", command)
			}
			m, console := boot(t, "#!/bin/sh\n"+way+"\nsleep 1000\n")
			off(t, m, console)
		})
	}
	t.Run("reboot(2)", func(t *testing.T) {
		m, console := boot(t, "#!/bin/sh\n"+rebootCall(t, "0x4321fedc")+"\nsleep 1000\n")
		off(t, m, console)
	})
}

func TestSignalsWithoutAMeaningAreHarmless(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, "")
	if out, code := inside(t, m, "for s in HUP QUIT ALRM ABRT TRAP CHLD PIPE SEGV BUS ILL SYS XCPU KILL STOP 34 50; do kill -s $s 1 2>/dev/null || kill -$s 1; done; sleep 0.1; echo alive"); out != "alive" || code != 0 {
		t.Fatalf("%q %d\n%s", out, code, console)
	}
	if out, _ := inside(t, m, "echo still"); out != "still" {
		t.Errorf("the machine is gone:\n%s", console)
	}
}

func TestZombiesAreReaped(t *testing.T) {
	needSandbox(t)
	m, _ := boot(t, "")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			line := fmt.Sprintf("for i in $(seq 20); do sh -c 'sleep 0 & sleep 0 & exit' ; done; exit %d", i)
			code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"sh", "-c", line}})
			if err != nil || code != i {
				t.Errorf("exit code %d, %v; want %d", code, err, i)
			}
		})
	}
	all.Wait()
	left := ""
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left, _ = inside(t, m, "grep -l 'State:.Z' /proc/[0-9]*/status"); left == "" {
			return
		}
	}
	t.Errorf("zombies: %s", left)
}

func TestOneDiskOneMachine(t *testing.T) {
	needSandbox(t)
	dir := folder(t)
	bootIn(t, dir, "")
	if m, err := sandbox.New(options()).Boot(t.Context(), runtime.Machine{ID: "i-0abc", Dir: dir, Metadata: metadata("")}); err == nil {
		m.PowerOff(t.Context())
		t.Error("two machines run from one disk")
	}
}

func TestPlugIsPulledWhenTimeIsUp(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, "#!/bin/sh\ntrap '' TERM\necho stubborn\nwhile :; do sleep 1; done\n")
	console.waitFor(t, "stubborn")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	m.PowerOff(ctx)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("took %v", took)
	}
}

// BenchmarkBoot measures the time until the user-data of a new machine has run
// and until it is off again, and the memory of an idle machine's init.
func BenchmarkBoot(b *testing.B) {
	for b.Loop() {
		dir, err := os.MkdirTemp("", "sandbox-bench-")
		if err != nil {
			b.Fatal(err)
		}
		console := &screen{}
		begun := time.Now()
		m, err := sandbox.New(options()).Boot(b.Context(), runtime.Machine{
			ID: "i-1", Hostname: "bench", PrivateIP: "172.31.0.5", Dir: dir, Metadata: metadata("#!/bin/sh\n"), Console: console,
		})
		if err != nil {
			b.Skip(err)
		}
		booted := time.Since(begun)
		for !strings.Contains(console.String(), "user-data is done") {
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(float64(booted.Milliseconds()), "ms-boot")
		b.ReportMetric(float64(time.Since(begun).Milliseconds()), "ms-user-data")
		var out bytes.Buffer
		if _, err := m.Exec(b.Context(), runtime.Command{Args: []string{"sh", "-c", "awk '/^Rss|^Pss:|^Private_Dirty/{print $1 $2}' /proc/1/smaps_rollup"}, Stdout: &out}); err != nil {
			b.Fatal(err)
		}
		b.Log(strings.Fields(out.String()))
		m.PowerOff(b.Context())
		if err := sandbox.Remove(dir); err != nil {
			b.Fatal(err)
		}
	}
}
