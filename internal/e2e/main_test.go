package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/spawn-ec2/spawn/internal/agentbin"
)

// programs is the folder of the programs under test, readable by everybody.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "spawn-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	programs = filepath.Join(dir, "bin")
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Most of these tests wait for machines to boot: more of them than there are
	// processors, unless somebody said how many.
	if err := beside(6); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// beside lets so many tests run beside each other, where -parallel says nothing.
func beside(n int) error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(n))
}

func build(dir string) error {
	if err := os.MkdirAll(programs, 0o755); err != nil {
		return err
	}
	// Tests as a plain user pass through both.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-ldflags", "-s -w -X main.version=e2e", "-o", programs, "../../cmd/spawn", "../../cmd/truffle")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	return nil
}

// needAgents skips where spawn was built without the programs that it embeds.
func needAgents(t *testing.T) {
	t.Helper()
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	if _, err := agentbin.For(arch); err != nil {
		t.Skipf("the agents are not built: %v (make test builds them first)", err)
	}
}
