package bootstrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/files"
)

// TestMetadataGuard runs the guard in a network of its own, with a metadata
// service at its real address, and knocks as root, as somebody else and from
// behind a bridge, as a container does.
func TestMetadataGuard(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
	for _, tool := range []string{"unshare", "nsenter", "ip", "setpriv", "curl", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if out, err := exec.Command("unshare", "-n", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %s", out)
	}
	const all, root = "root=200 user=200 container=200", "root=200 user=000 container=000"
	for name, c := range map[string]struct {
		share   bool
		without []string
		needs   string
		want    string
		mark    string
	}{
		"nft":      {needs: "nft", want: root, mark: "root by nft\n"},
		"iptables": {without: []string{"nft"}, needs: "iptables", want: root, mark: "root by iptables"},
		"neither":  {without: []string{"nft", "iptables"}, want: all, mark: "open: neither nft nor iptables is installed"},
		"shared":   {share: true, needs: "nft", want: all, mark: "shared\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(c.needs); c.needs != "" && err != nil {
				t.Skipf("%s is not installed", c.needs)
			}
			got, mark := guarded(t, c.share, c.without)
			if got != c.want || !strings.HasPrefix(mark, c.mark) {
				t.Errorf("got %s and %q, want %s and %q", got, mark, c.want, c.mark)
			}
		})
	}
}

// guarded is who gets an answer after the guard was set, twice, on a machine
// without some tools.
func guarded(t *testing.T, share bool, without []string) (answers, mark string) {
	t.Helper()
	root := t.TempDir()
	bin := toolsWithout(t, without)
	guard := func(share string) string {
		text, err := script("spawn-metadata.sh", values{"SHARE_ROLE": share})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(bin, "guard-"+share)
		if err := files.WriteProgram(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return "PATH=" + bin + " SPAWN_ROOT=" + root + " /bin/sh " + path + "\n"
	}
	set := guard("no")
	set += set
	if share {
		set += guard("yes")
	}
	cmd := exec.Command("unshare", "-n", "/bin/sh", "-eu", "-c", `
unshare -n sleep 60 &
cloud=$!
unshare -n sleep 60 &
container=$!
trap 'kill $server $cloud $container' EXIT
server=$cloud
until [ "$(readlink /proc/$cloud/ns/net)" != "$(readlink /proc/$$/ns/net)" ] && [ "$(readlink /proc/$container/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done

wire() { # wire NAME PROCESS ITS-ADDRESS OUR-ADDRESS
    ip link add $1 type veth peer name eth0 netns $2
    ip address add $4 dev $1
    ip link set $1 up
    nsenter -t $2 -n ip address add $3 dev eth0
    nsenter -t $2 -n ip link set eth0 up
    nsenter -t $2 -n ip route add default via ${4%/*}
}
wire uplink $cloud 169.254.169.254/30 169.254.169.253/30
wire bridge $container 172.17.0.2/16 172.17.0.1/16
echo 1 > /proc/sys/net/ipv4/ip_forward
nsenter -t $cloud -n python3 -m http.server --directory `+t.TempDir()+` --bind 0.0.0.0 80 > /dev/null 2>&1 &
server=$!
for try in $(seq 100); do
    if curl -s -o /dev/null http://169.254.169.254/; then break; fi
    sleep 0.1
done
inside="nsenter -t $container -n"
`+set+`
code() { "$@" curl -s -o /dev/null -w '%{http_code}' --max-time 2 http://169.254.169.254/ || true; }
echo "answers: root=$(code env) user=$(code setpriv --reuid 12345 --clear-groups) container=$(code $inside)"
`)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	_, answers, _ = strings.Cut(string(out), "answers: ")
	b, err := os.ReadFile(filepath.Join(root, "run/spored/metadata"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answers), string(b)
}

// toolsWithout is a folder with every command of this machine but some.
func toolsWithout(t *testing.T, without []string) string {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []string{"cat", "id", "mkdir", "paste", "nft", "iptables", "ip6tables"} {
		path, err := exec.LookPath(tool)
		if err != nil || strings.Contains(strings.Join(without, " "), strings.TrimPrefix(tool, "ip6")) {
			continue
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}
