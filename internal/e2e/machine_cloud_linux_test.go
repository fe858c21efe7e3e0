package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/runtime/machine"
	"github.com/spawn-ec2/spawn/internal/settings"
)

// site is a local cloud whose instances are machines with systemd, and a user
// of it with an SSH key.
type site struct {
	user  *user
	cloud *local.Cloud
	how   *machine.Runtime
	api   *ec2.Client
	ssh   string // the SSH client
	hosts string // a file an address: how the SSH client reaches it
}

// sshThroughGateway stands for what is between a user and an instance: the
// Internet gateway, which knows the instance by its private address. The SSH
// client is the real one.
// https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
const sshThroughGateway = `#!/bin/sh
for word; do
    case $word in *@*) read -r gateway private < '%[1]s'/"${word#*@}" || exit 255 ;; esac
done
exec nsenter --net="$gateway" '%[2]s' -o HostName="$private" -F none "$@"
`

// newSite skips unless make e2e made a disk to boot from.
func newSite(t testing.TB) *site {
	t.Helper()
	disk := os.Getenv("SPAWN_E2E_MACHINE")
	if disk == "" {
		t.Skip("no disk to boot machines with systemd from (SPAWN_E2E_MACHINE): make e2e makes it")
	}
	how, err := machine.New(machine.Options{Disk: disk})
	if err != nil {
		t.Fatal(err)
	}
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatalf("make e2e needs an SSH client: %v", err)
	}
	bin := t.TempDir()
	s := &site{how: how, hosts: t.TempDir()}
	s.ssh = filepath.Join(bin, "ssh")
	if err := files.WriteProgram(s.ssh, fmt.Appendf(nil, sshThroughGateway, s.hosts, ssh), 0o755); err != nil {
		t.Fatal(err)
	}
	s.user = newUser(t, false, "PATH="+bin+":"+programs+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	keys := filepath.Join(s.user.home, ".ssh")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(keys, "id_ed25519")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.serve(t)
	return s
}

// serve runs the cloud in this process, where the user's programs find it as
// they find one that "spawn local up" started.
func (s *site) serve(t testing.TB) {
	t.Helper()
	dir := s.user.cloudDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	logFile, err := os.Create(filepath.Join(dir, "cloud.log"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.cloud, err = local.New(local.Options{Dir: filepath.Join(dir, "cloud"), Runtime: s.how, Addr: l.Addr().String(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.cloud.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // until it is closed below
	}()
	contactFile := settings.LocalContactFile(dir)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.cloud.Close(ctx); err != nil {
			t.Errorf("close the cloud: %v", err)
		}
		_ = server.Close() // its listener is all that it has
		<-served
		if err := os.Remove(contactFile); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(s.user.log())
		}
		_ = logFile.Close()
	})
	admin := s.cloud.Admin()
	text, err := json.Marshal(settings.LocalContact{
		PID: os.Getpid(), Endpoint: "http://" + l.Addr().String(), Runtime: s.how.Name(), Started: time.Now(),
		AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(contactFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	target, _ := s.user.contact().look(t)
	s.api = target.EC2()
}

// box is an instance of the site, launched as a user launches it.
type box struct {
	instance
	site *site
	name string
	t    testing.TB
}

// launch launches an instance whose agent must come to be ready.
func (s *site) launch(t testing.TB, name string, flags ...string) *box {
	t.Helper()
	u := *s.user
	u.t = t
	b := &box{site: s, name: name, t: t}
	r := u.try(nil, "spawn", append([]string{"launch", "--local", "--instance-type", "t3.micro", "--name", name, "-o", "json"}, flags...)...)
	if err := json.Unmarshal([]byte(r.stdout), &b.instance); err != nil || r.code != 0 || !b.Ready {
		t.Fatalf("spawn launch exited with %d: %v: %s%s\n%s", r.code, err, r.stdout, r.stderr, s.consoles(name))
	}
	return b
}

// consoles is what the instances of a name have on theirs, for whoever has to
// find out why one did not come up.
func (s *site) consoles(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := s.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("tag:Name"), Values: []string{name}}}})
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, r := range out.Reservations {
		for _, in := range r.Instances {
			text.WriteString(s.console(ctx, aws.ToString(in.InstanceId)))
		}
	}
	return text.String()
}

func (s *site) console(ctx context.Context, id string) string {
	out, err := s.api.GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: aws.String(id)})
	if err != nil {
		return err.Error()
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.Output))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// pollPatience is how late the agent may see a changed tag, and a busy host let
// us see that it has.
const pollPatience = 40 * time.Second

// tag tags the instance as its owner can by any tool.
func (b *box) tag(tags map[string]string) {
	b.t.Helper()
	in := &ec2.CreateTagsInput{Resources: []string{b.ID}}
	for key, value := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	if _, err := b.site.api.CreateTags(b.t.Context(), in); err != nil {
		b.t.Fatal(err)
	}
}

// spawn runs a command of spawn's about this instance that must succeed.
func (b *box) spawn(command string, args ...string) string {
	b.t.Helper()
	u := *b.site.user
	u.t = b.t
	return u.do(nil, "spawn", append([]string{command, "--local", b.name}, args...)...)
}

// try runs a script inside as root and returns its output and exit code.
func (b *box) try(script string) (string, int) {
	b.t.Helper()
	u := *b.site.user
	u.t = b.t
	r := u.try(nil, "spawn", "connect", "--local", b.name, "--", "sh", "-c", script)
	return strings.TrimSpace(r.stdout + r.stderr), r.code
}

// do runs a script inside that must succeed.
func (b *box) do(script string) string {
	b.t.Helper()
	out, code := b.try(script)
	if code != 0 {
		b.t.Fatalf("%s: exit %d: %s", script, code, out)
	}
	return out
}

// show is a property of a unit of the machine's systemd.
func (b *box) show(unit, property string) string {
	b.t.Helper()
	return b.do("systemctl show --value --property=" + property + " " + unit)
}

// await waits until a script inside succeeds.
func (b *box) await(what string, patience time.Duration, script string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		out, code := b.try(script)
		if code == 0 {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("not within %v: %s: %s\n%s", patience, what, out, b.journal())
		}
	}
}

func (b *box) journal() string {
	out, _ := b.try("journalctl --no-pager --lines=100 -o short-precise")
	return out
}

func (b *box) describe() types.Instance {
	b.t.Helper()
	out, err := b.site.api.DescribeInstances(b.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{b.ID}})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.Reservations[0].Instances[0]
}

// awaitState waits until the instance is in a state, and returns it.
func (b *box) awaitState(want types.InstanceStateName, patience time.Duration) types.Instance {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		in := b.describe()
		if in.State.Name == want {
			return in
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s is %s, not %s within %v\n%s", b.name, in.State.Name, want, patience, b.console())
		}
	}
}

func (b *box) console() string { return b.site.console(b.t.Context(), b.ID) }

// reachable lets the SSH client find the instance at its public address.
func (b *box) reachable() {
	b.t.Helper()
	in, gateway := b.describe(), b.site.how.Gateway(b.ID)
	if gateway == "" {
		b.t.Skip("this kernel makes no pair of interfaces (veth): there is no way for SSH")
	}
	line := gateway + " " + aws.ToString(in.PrivateIpAddress) + "\n"
	if err := os.WriteFile(filepath.Join(b.site.hosts, aws.ToString(in.PublicIpAddress)), []byte(line), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// login is the SSH client, logging in to the instance as its user.
func (b *box) login(args ...string) *exec.Cmd {
	b.t.Helper()
	b.reachable()
	options := []string{"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-i", filepath.Join(b.site.user.home, ".ssh/id_ed25519")}
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Minute)
	b.t.Cleanup(cancel)
	return exec.CommandContext(ctx, b.site.ssh, append(append(options, "ec2-user@"+aws.ToString(b.describe().PublicIpAddress)), args...)...)
}
