package s3

import (
	"fmt"
	"os"

	"github.com/spawn-ec2/spawn/internal/local/store"
)

// Restore makes objects and bodies agree after the tables were read from a
// file: an object whose body is gone was deleted in a moment that was not
// saved, and a body without an object was uploaded in one.
func (s *Service) Restore() error {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("restore the objects: %w", err)
	}
	bodies := map[string]bool{} // to whether an object has it
	for _, f := range list {
		bodies[f.Name()] = false
	}
	err = s.store.Update(func(tx *store.Tx) error {
		for _, o := range s.objects.All(tx) {
			if _, there := bodies[o.SHA256]; !there {
				s.objects.Delete(tx, objectRow(o.Bucket, o.Key))
				continue
			}
			bodies[o.SHA256] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore the objects: %w", err)
	}
	for name, used := range bodies {
		if used {
			continue
		}
		if err := removeIfThere(s.bodyFile(name)); err != nil {
			return fmt.Errorf("restore the objects: %w", err)
		}
	}
	return nil
}
