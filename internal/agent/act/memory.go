package act

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/files"
)

// MemoryFile is what an agent leaves to itself in its state folder, for when it
// is restarted.
const MemoryFile = "memory.json"

// Remember writes m into dir.
func Remember(dir string, m sense.Memory) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	if err := files.WriteWhole(filepath.Join(dir, MemoryFile), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	return nil
}
