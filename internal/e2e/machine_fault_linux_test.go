package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// faultTests are what befalls a machine, each of which ends within the bound of
// the layer that is left. docs/guarantees.md has the table.
func faultTests() map[string]func(*testing.T, *site) {
	return map[string]func(*testing.T, *site){
		"without a download the timer ends the instance": noDownload,
		"a frozen agent does not outlive the deadline":   frozenAgent,
		"the network is cut":                             networkCut,
		"the disk is full":                               diskFull,
		"the memory is exhausted":                        memoryExhausted,
	}
}

// byItsSystem and byItsAgent are why an instance ended, as EC2 says it: its
// power went off, or its agent asked for its end.
const (
	byItsSystem = "Client.InstanceInitiatedShutdown"
	byItsAgent  = "Client.UserInitiatedShutdown"
)

// endsWithin waits for the end of the instance, which must come after a deadline,
// by so much at most, and in one of the ways. A shutdown and a busy host take
// their time.
func (b *box) endsWithin(deadline time.Time, bound time.Duration, ways ...string) {
	b.t.Helper()
	ended := b.awaitState(types.InstanceStateNameTerminated, time.Until(deadline)+bound)
	late := time.Since(deadline)
	why := aws.ToString(ended.StateReason.Code)
	b.t.Logf("ended %v after its deadline, disk deleted: %s", late.Round(100*time.Millisecond), why)
	if late < 0 || !strings.Contains(strings.Join(ways, " "), why) {
		b.t.Errorf("it ended %v after its deadline with %s, not with %v\n%s", late, why, ways, b.console())
	}
}

// noDownload lets nobody reach anything but the metadata from before the agent is
// to be fetched, and the metadata as well once the machine is up: what the
// boothook armed is all that there is.
func noDownload(t *testing.T, s *site) {
	api := strings.TrimPrefix(s.user.contact().Endpoint, "http://")
	host, port, _ := strings.Cut(api, ":")
	hook := fmt.Sprintf("#cloud-boothook\n#!/bin/sh\nnft 'add table ip cut; add chain ip cut out { type filter hook output priority 0; }; add rule ip cut out ip daddr %s tcp dport %s drop'\n", host, port)
	file := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(file, []byte(hook), 0o600); err != nil {
		t.Fatal(err)
	}
	b := s.launchUnheard(t, "unloaded", "--ttl", "75s", "--user-data", "@"+file)
	b.await("the machine is up, and fetches its agent", 50*time.Second, `systemctl is-active --quiet spawn-deadline.timer && pgrep -f scripts/000-spawn-agent > /dev/null`)
	b.do(`nft add rule ip cut out ip daddr 169.254.169.254 drop && ! curl -s -m 2 http://169.254.169.254/ && ! test -e /usr/local/bin/spored`)
	b.endsWithin(b.Deadline, silentBound, byItsSystem)
}

// silentBound is how late the timer is where the metadata is silent in the first
// five minutes of a boot: ten seconds of grace and a minute of asking.
const silentBound = 100 * time.Second

// launchUnheard launches an instance from whose agent no word will come.
func (s *site) launchUnheard(t *testing.T, name string, flags ...string) *box {
	t.Helper()
	u := *s.user
	u.t = t
	b := &box{site: s, name: name, t: t}
	out := u.do(nil, "spawn", append([]string{"launch", "--local", "--instance-type", "t3.micro", "--name", name, "--no-wait", "-o", "json"}, flags...)...)
	if err := json.Unmarshal([]byte(out), &b.instance); err != nil || b.Deadline.IsZero() {
		t.Fatalf("spawn launch: %v: %s", err, out)
	}
	b.awaitState(types.InstanceStateNameRunning, time.Minute)
	return b
}

// frozenAgent freezes the agent too late for its watchdog.
func frozenAgent(t *testing.T, s *site) {
	b := s.launch(t, "frozen", "--ttl", "75s")
	b.do("kill -STOP $(systemctl show --value -p MainPID spored)")
	b.endsWithin(b.Deadline, 40*time.Second, byItsSystem)
}

// networkCut leaves all that is on the machine as it is, and lets nothing in or
// out: neither the metadata nor EC2 answers, nor refuses.
func networkCut(t *testing.T, s *site) {
	b := s.launch(t, "cut", "--ttl", "75s")
	b.do("nft 'add table inet cut; add chain inet cut out { type filter hook output priority -5; policy drop; }; add chain inet cut in { type filter hook input priority -5; policy drop; }'")
	if out, code := b.try("curl -s -m 2 http://169.254.169.254/"); code == 0 {
		t.Fatalf("the metadata service still answers: %s", out)
	}
	b.endsWithin(b.Deadline, 45*time.Second, byItsSystem)
}

// fill leaves no room where the agent, the timer and systemd write: no file of
// theirs can grow, though what is there can be removed.
const fill = `for folder in /var/lib/spored /etc/spored /etc/systemd/system /usr/local/sbin /var/log /tmp; do
	small=/run/small$(echo $folder | tr / -)
	mkdir $small && mount -t tmpfs -o size=16M tmpfs $small && cp -a $folder/. $small/ && mount --bind $small $folder || exit 1
	cat /dev/zero > $folder/full 2> /dev/null
	if echo more > $folder/more 2> /dev/null; then echo "$folder has room"; exit 1; fi
	rm -f $folder/more
done`

// diskFull kills the agent on a full disk: it comes back, and learns that the
// deadline was moved. When it is gone for good, the timer has nothing but the old
// deadline and the tag.
func diskFull(t *testing.T, s *site) {
	b := s.launch(t, "full", "--ttl", "80s")
	b.do(fill)
	b.do("kill -KILL $(systemctl show --value -p MainPID spored)")
	b.await("the agent is active again", 15*time.Second, `[ "$(systemctl show --value -p ActiveState spored)" = active ] && [ "$(systemctl show --value -p NRestarts spored)" = 1 ]`)
	b.spawn("extend", "40s")
	moved := b.deadline()
	if got := b.acknowledged(); !got.Equal(moved) || !moved.Equal(b.Deadline.Add(40*time.Second)) {
		t.Errorf("the tag says %v, and the agent watches %v", moved, got)
	}
	if got := b.do("cat /var/lib/spored/deadline"); got != itoa(b.Deadline.Unix()) {
		t.Errorf("a full disk took the deadline %s: this test shows less than it says", got)
	}
	b.do("systemctl disable --now --quiet spored")
	b.endsWithin(moved, 40*time.Second, byItsSystem)
}

// memoryExhausted has processes that take all the memory there is, again and
// again: the kernel kills them, and not who ends the instance.
func memoryExhausted(t *testing.T, s *site) {
	b := s.launch(t, "hungry", "--ttl", "75s")
	killed := b.limitMemory(192 << 20)
	// Of the machine's own systemd, whose memory is limited; no more than the host has to spare.
	b.do(`for i in 1 2; do systemd-run --quiet sh -c 'ulimit -v 1000000; while :; do tail /dev/zero; sleep 2; done'; done`)
	for end := time.Now().Add(30 * time.Second); killed() < 3; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the kernel killed %d times: the memory is not exhausted", killed())
		}
	}
	if got := b.show("spored", "NRestarts"); got != "0" {
		t.Errorf("the agent was killed %s times", got)
	}
	b.endsWithin(b.Deadline, 45*time.Second, byItsAgent)
	t.Logf("the kernel killed %d times", killed())
}

// limitMemory lets the machine have no more memory than so many bytes, as if it
// were all of a small instance. killed counts whom the kernel killed for it.
func (b *box) limitMemory(limit int) (killed func() int) {
	b.t.Helper()
	const memory = "/sys/fs/cgroup/memory" // the older hierarchy, whose groups may hold anything
	if _, err := os.Stat(memory + "/memory.limit_in_bytes"); err != nil {
		b.t.Skipf("this kernel does not limit the memory of a machine here: %v", err)
	}
	group := memory + "/spawn-e2e-" + b.ID
	if err := os.Mkdir(group, 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		for end := time.Now().Add(10 * time.Second); os.Remove(group) != nil; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				b.t.Errorf("%s is left behind", group)
				return
			}
		}
	})
	write := func(file, text string) error { return os.WriteFile(filepath.Join(group, file), []byte(text), 0o600) }
	if err := write("memory.limit_in_bytes", strconv.Itoa(limit)); err != nil {
		b.t.Skipf("the memory of a machine cannot be limited here: %v", err)
	}
	moved := 0
	for _, pid := range b.processes() {
		if write("cgroup.procs", pid) == nil { // it may have ended meanwhile
			moved++
		}
	}
	if moved < 5 {
		b.t.Fatalf("only %d processes of the machine have their memory limited", moved)
	}
	return func() int {
		text, err := os.ReadFile(filepath.Join(group, "memory.oom_control"))
		if err != nil {
			return 0 // the machine has ended
		}
		_, count, _ := strings.Cut(string(text), "oom_kill ")
		n, _ := strconv.Atoi(strings.TrimSpace(count))
		return n
	}
}

// processes are all of the machine's, by their ids on the host.
func (b *box) processes() (pids []string) {
	b.t.Helper()
	err := filepath.WalkDir("/sys/fs/cgroup/unified/machine-"+b.ID, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.procs" {
			return nil //nolint:nilerr // a group that has just ended has no processes
		}
		text, err := os.ReadFile(path)
		pids = append(pids, strings.Fields(string(text))...)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return pids
}
