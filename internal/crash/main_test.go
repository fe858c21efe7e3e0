package crash_test

import (
	"os"
	"testing"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/root"
)

// asSpawn names the variable that turns this test binary into spawn.
const asSpawn = "SPAWN_CRASH_AS_SPAWN"

func TestMain(m *testing.M) {
	if os.Getenv(asSpawn) != "" {
		os.Exit(root.Main("crash", os.Args[1:]))
	}
	os.Exit(m.Run())
}
