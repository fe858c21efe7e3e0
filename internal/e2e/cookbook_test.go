//go:build unix

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

const cookbook = "../../docs/cookbook.md"

// recipe runs a block of docs/cookbook.md as it stands there, so that the page
// cannot say what does not work:
//
//	recipe 'A fleet over several zones' 2
func recipe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: recipe <heading> <number of the block>")
	}
	number, err := strconv.Atoi(args[1])
	ts.Check(err)
	blocks, err := recipes()
	ts.Check(err)
	code := blocks[fmt.Sprintf("%s %d", args[0], number)]
	if code == "" {
		ts.Fatalf("%s has no block %d below %q", cookbook, number, args[0])
	}
	ts.Logf("%s", code)
	ts.Check(ts.Exec("sh", "-eu", "-c", code))
}

// recipes are the blocks for a shell, by heading and number.
func recipes() (map[string]string, error) {
	text, err := os.ReadFile(cookbook)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		for i, block := range regexp.MustCompile("(?ms)^```(?:sh|bash)\n(.*?)^```$").FindAllStringSubmatch(body, -1) {
			found[fmt.Sprintf("%s %d", heading, i+1)] = block[1]
		}
	}
	return found, nil
}

// TestEveryRecipeIsRun by a script: a block that nobody runs is not known to work.
func TestEveryRecipeIsRun(t *testing.T) {
	blocks, err := recipes()
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) < 15 {
		t.Fatalf("%d blocks: this test does not read %s", len(blocks), cookbook)
	}
	scripts, err := filepath.Glob("testdata/script/cookbook-*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^recipe '([^']+)' (\d+)$`).FindAllStringSubmatch(string(text), -1) {
			run[m[1]+" "+m[2]] = true
		}
	}
	for block, code := range blocks {
		if !run[block] {
			t.Errorf("no script runs the block %s:\n%s", block, code)
		}
	}
}
