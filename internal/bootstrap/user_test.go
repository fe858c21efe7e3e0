package bootstrap

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// multi is an archive as people write them, with names that would sort before
// the agent's.
const multi = `Content-Type: multipart/mixed; boundary="//"
MIME-Version: 1.0

--//
Content-Type: text/cloud-config; charset="us-ascii"
Content-Disposition: attachment; filename="cloud config.txt"
X-Merge-Type: list(append)+dict(recurse_array)+str()

#cloud-config
packages: [tmux]

--//
Content-Type: text/plain
Content-Disposition: attachment; filename="00-first"
Content-Transfer-Encoding: base64

IyEvYmluL3NoCmVjaG8gaGVsbG8K
--//--
`

func TestUserParts(t *testing.T) {
	packed, err := compress([]byte("#!/bin/sh\necho hello\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		given string
		kinds []string
		names []string
	}{
		"none":                     {},
		"a script":                 {"#!/bin/bash\necho hello\n", []string{typeScript}, []string{"user-001"}},
		"a compressed script":      {string(packed), []string{typeScript}, []string{"user-001"}},
		"a script for Windows":     {"#!/bin/sh\r\necho hello\r\n", []string{typeScript}, []string{"user-001"}},
		"a script with an archive": {"#!/bin/sh\ncat << END\nContent-Type: multipart/mixed; boundary=x\nMIME-Version: 1.0\n\n--x\nEND\n", []string{typeScript}, []string{"user-001"}},
		"cloud-config":             {"#cloud-config\npackages: [tmux]\n", []string{"text/cloud-config"}, []string{"user-001"}},
		"a cloud-config archive":   {"#cloud-config-archive\n- 'x'\n", []string{"text/cloud-config-archive"}, []string{"user-001"}},
		"an include":               {"#include\nhttps://example.com/x\n", []string{"text/x-include-url"}, []string{"user-001"}},
		"an include, once":         {"#include-once\nhttps://example.com/x\n", []string{"text/x-include-once-url"}, []string{"user-001"}},
		"a boothook":               {"#cloud-boothook\n#!/bin/sh\n", []string{typeBoothook}, []string{"user-001"}},
		"a template":               {"## template: jinja\n#!/bin/sh\n", []string{"text/jinja2"}, []string{"user-001"}},
		"an archive":               {multi, []string{"text/cloud-config", typeScript}, []string{"user-001-cloudconfig.txt", "user-002-00-first"}},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := userParts([]byte(c.given))
			if err != nil {
				t.Fatal(err)
			}
			var kinds, names []string
			for _, p := range parts {
				kinds, names = append(kinds, p.kind), append(names, p.filename)
				if p.filename <= "000-spawn-agent" {
					t.Errorf("%s would run before the agent is installed", p.filename)
				}
			}
			if diff := cmp.Diff([][]string{c.kinds, c.names}, [][]string{kinds, names}); diff != "" {
				t.Errorf("types and names (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUserPartsRefused(t *testing.T) {
	bomb, err := compress(make([]byte, 2*maxUnpacked))
	if err != nil {
		t.Fatal(err)
	}
	for name, given := range map[string]string{
		"no type":                   "echo hello\n",
		"empty lines":               "\n\n",
		"a program":                 "\x7fELF\x02\x01\x01",
		"half of a gzip":            string(bomb[:100]),
		"a bomb":                    string(bomb),
		"an archive cut short":      multi[:len(multi)-40],
		"an archive without a part": "Content-Type: multipart/mixed; boundary=x\n\n--x--\n",
		"no boundary":               "Content-Type: multipart/mixed\n\n--x\n\n--x--\n",
		"a script without shebang":  "Content-Type: text/x-shellscript\n\necho hello\n",
		"too large":                 "#!/bin/sh\n# " + incompressible(20000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := params()
			p.User = []byte(given)
			if b, err := UserData(p); err == nil {
				t.Errorf("wrote %d bytes", len(b))
			} else {
				t.Log(err)
			}
		})
	}
}

// TestRoomForTheUser reports how much is left for a user's script, and holds
// that it is a good half.
func TestRoomForTheUser(t *testing.T) {
	p := params()
	p.Agent.PresignedURL += incompressible(1200) // as long as one with a session token
	without, err := UserData(p)
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n# " + incompressible(4000) + "\n"
	p.User = []byte(script)
	with, err := UserData(p)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := compress([]byte(script))
	if err != nil {
		t.Fatal(err)
	}
	cost := len(with) - len(without) - len(alone)
	t.Logf("ours take %d of %d bytes and leave %d; a script of %d bytes, %d compressed, costs %d more than that",
		len(without), MaxSize, MaxSize-len(without), len(script), len(alone), cost)
	if len(without) > MaxSize*6/10 {
		t.Errorf("%d of %d bytes are taken already", len(without), MaxSize)
	}
	if cost > 1000 {
		t.Errorf("wrapping a script costs %d bytes", cost)
	}
}

// TestUserScript runs one, and looks at what is known of it afterwards.
func TestUserScript(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		exit   string
		output string
	}{
		"ends well":   {"#!/bin/sh\necho hello; echo there >&2\n", "0", "hello\nthere\n"},
		"fails":       {"#!/bin/sh\necho no; exit 7\n", "7", "no\n"},
		"is killed":   {"#!/bin/sh\nkill -9 $$\n", "137", ""},
		"has no CR":   {"#!/bin/sh\r\necho hello\r\n", "0", "hello\n"},
		"binary data": {"#!/bin/sh\nsed -n 's/^raw: //p' \"$0\"; exit 0\nraw: \x80\xff'\"$(poweroff)`poweroff`\n", "0", "\x80\xff'\"$(poweroff)`poweroff`\n"},
		"not a shell": {"#!/bin/cat\nEND\n", "0", "#!/bin/cat\nEND\n"},
		"no such program": {
			"#!/no/such/program\n", "127 or 126", "", // dash and bash differ
		},
		"leaves a server": {"#!/bin/sh\nsleep 30 & echo $! > \"$SPAWN_ROOT/server\"\n", "0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "http://127.0.0.1:1")
			parts, err := userParts([]byte(c.script))
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.run(parts[0].body, nil)
			if pid := strings.TrimSpace(m.read("server")); pid != "" {
				defer func() { _ = exec.Command("kill", pid).Run() }()
			}
			if (err == nil) != (c.exit == "0") {
				t.Errorf("cloud-init is told %v", err)
			}
			log := m.read("var/log/spawn-user-data.log")
			_, output, _ := strings.Cut(log, "begins\n")
			output, _, _ = strings.Cut(output, "--- ")
			if c.output != "" && output != c.output {
				t.Errorf("the log has %q, want %q", output, c.output)
			}
			lines := strings.Split(strings.TrimSpace(m.read("var/lib/spored/user-scripts")), "\n")
			var began, ended struct {
				Script, Started, Ended string
				Exit                   json.Number
			}
			if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &began) != nil || json.Unmarshal([]byte(lines[1]), &ended) != nil {
				t.Fatalf("the record is %q", lines)
			}
			if began.Script != "user-001" || began.Started == "" || ended.Ended == "" || !strings.Contains(c.exit, ended.Exit.String()) {
				t.Errorf("the record is %q, want exit %s", lines, c.exit)
			}
			if len(m.called("poweroff")) > 0 {
				t.Error("a script's data was run")
			}
			if info, err := os.Stat(filepath.Join(m.root, "var/log/spawn-user-data.log")); err != nil || info.Mode().Perm()&0o007 != 0 {
				t.Errorf("everybody can read what may hold a secret: %v, %v", info, err)
			}
		})
	}
}

// TestForCloudInit has cloud-init itself take the user-data apart.
func TestForCloudInit(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import cloudinit.user_data").Run() != nil {
		t.Skip("cloud-init is not installed")
	}
	p := params()
	p.User = []byte(multi)
	b, err := UserData(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", `
import base64, json, sys
from cloudinit import handlers, helpers, user_data
paths = helpers.Paths({"cloud_dir": sys.argv[1], "run_dir": sys.argv[1]})
message = user_data.UserDataProcessor(paths).process(sys.stdin.buffer.read())
found = []
handlers.walk(message, lambda data, filename, payload, headers: found.append(
    [filename, headers["Content-Type"], headers.get("X-Merge-Type", ""), base64.b64encode(payload if isinstance(payload, bytes) else payload.encode()).decode()]), None)
print(json.dumps(found))
`, t.TempDir())
	cmd.Stdin = bytes.NewReader(b)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	var got [][]string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	_, want := read(t, b)
	for i, part := range got {
		if body, err := base64.StdEncoding.DecodeString(part[3]); err != nil || strings.TrimSpace(string(body)) != strings.TrimSpace(want[i]) {
			t.Errorf("cloud-init reads part %d as %q, %v", i, body, err)
		}
		got[i] = part[:3]
	}
	if diff := cmp.Diff([][]string{
		{"000-spawn-deadline", typeBoothook, ""},
		{"000-spawn-agent", typeScript, ""},
		{"user-001-cloudconfig.txt", "text/cloud-config", "list(append)+dict(recurse_array)+str()"},
		{"user-002-00-first", typeScript, ""},
	}, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}
