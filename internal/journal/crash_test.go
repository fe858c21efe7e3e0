package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/journal"
)

// launchIn names the variable that turns this test binary into a launch that
// records for ever in the folder given.
const launchIn = "SPAWN_TEST_LAUNCH_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(launchIn); dir != "" {
		fmt.Fprintln(os.Stderr, recordForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// recordForEver says on standard output which entry it has recorded.
func recordForEver(dir string) error {
	j, err := journal.Begin(dir, header("crashing"))
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := j.Record(journal.Entry{Kind: "object", ID: strconv.Itoa(n), Request: make([]byte, 4096)}); err != nil {
			return err
		}
		if _, err := fmt.Println(n); err != nil {
			return err
		}
	}
}

func TestAKilledLaunchIsFoundWithAllItRecorded(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), launchIn+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said, recorded := bufio.NewScanner(out), -1
	for recorded < 10 && said.Scan() {
		if recorded, err = strconv.Atoi(said.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if found := abandoned(t, dir); len(found) != 0 {
		t.Error("a launch that lives in another process was handed out")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for said.Scan() { // what it said before it died, it recorded before it said it
		if recorded, err = strconv.Atoi(said.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the launch ended by itself")
	}
	found := abandoned(t, dir)
	if len(found) != 1 {
		t.Fatalf("found %d", len(found))
	}
	if len(found[0].Entries) <= recorded {
		t.Fatalf("%d entries, although %d were recorded", len(found[0].Entries), recorded+1)
	}
	for n, e := range found[0].Entries {
		if e.ID != strconv.Itoa(n) {
			t.Fatalf("entry %d is %s", n, e.ID)
		}
	}
	if err := found[0].Forget(); err != nil {
		t.Fatal(err)
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
