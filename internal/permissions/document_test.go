package permissions_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/permissions"
)

// guide is the page that tells people what to ask for. What it shows of the
// documents is written here from the data:
//
//	SPAWN_WRITE_DOCS=1 go test ./internal/permissions
const guide = "../../docs/iam-permissions.md"

// TestTheGuideShowsTheDocuments: a page that shows another policy than the
// programs need would be worse than none.
func TestTheGuideShowsTheDocuments(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	const partition, account = "aws", "123456789012"
	for _, p := range permissions.Policies() {
		want = place(t, want, p.Name, "```json\n"+p.Document(partition, account).Indented()+"\n```\n")
	}
	for name, d := range map[string]permissions.Document{
		"agent trust":     permissions.AgentTrust(),
		"agent":           permissions.Agent(partition, account),
		"scheduler trust": permissions.SchedulerTrust(partition, account),
		"scheduler":       permissions.Scheduler(partition, account),
	} {
		want = place(t, want, name, "```json\n"+d.Indented()+"\n```\n")
	}
	var table strings.Builder
	table.WriteString("| capability | statements |\n|---|---|\n")
	for _, c := range permissions.Capabilities() {
		var sids []string
		for _, s := range permissions.For(c, partition, account).Statement {
			sids = append(sids, "`"+s.Sid+"`")
		}
		fmt.Fprintf(&table, "| %s | %s |\n", c, strings.Join(sids, ", "))
	}
	want = place(t, want, "capabilities", table.String())
	if want == string(text) {
		return
	}
	if os.Getenv("SPAWN_WRITE_DOCS") == "" {
		t.Fatal("the documents have changed: run SPAWN_WRITE_DOCS=1 go test ./internal/permissions")
	}
	if err := os.WriteFile(guide, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// place puts a part between its two marks.
func place(t *testing.T, text, name, part string) string {
	t.Helper()
	begin, end := "<!-- "+name+": written by a test -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for %q", guide, name)
	}
	return before + begin + part + end + after
}
