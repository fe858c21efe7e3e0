package cloudinit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/files"
)

// Script is a file to execute inside the machine.
type Script struct {
	Path string   // absolute, executable
	Env  []string // added to the environment that every script has
}

// Boot is one boot of a machine as cloud-init sees it.
type Boot struct {
	InstanceID string
	Metadata   Metadata
	// StateDir is /var/lib/cloud, or a folder that stands for it in a test.
	StateDir string
	// Output is the console and the output log together.
	Output io.Writer
	// Run executes a script, waits for it alone (what it leaves in the
	// background lives on) and returns its exit status.
	Run func(context.Context, Script) (exit int, err error)
	// Pause waits between attempts to reach the metadata service; nil: real
	// time.
	Pause func(context.Context, time.Duration) error
}

// fetchAttempts with pauses that double from 100 ms to 2 s are about a minute,
// in which a slow metadata service may come up.
const fetchAttempts = 35

// Start reads the user-data and runs it: boothooks first, then the scripts
// that did not run yet. A part that fails is reported on Output and the others
// still run. The error says what could not be read or recorded; nothing that
// depends on it was run.
func (b Boot) Start(ctx context.Context) error {
	raw, err := b.userData(ctx)
	if err != nil {
		return err
	}
	parts, err := Parse(raw)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		b.say("no user-data")
		return nil
	}
	dir, err := b.instanceDir()
	if err != nil {
		return err
	}
	if parts, err = b.include(ctx, dir, parts); err != nil {
		return err
	}
	if err := b.boothooks(ctx, dir, parts); err != nil {
		return err
	}
	return b.scripts(ctx, dir, parts)
}

func (b Boot) userData(ctx context.Context) ([]byte, error) {
	pause := b.Pause
	if pause == nil {
		pause = sleep
	}
	delay := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		raw, _, err := b.Metadata.Get(ctx, "user-data")
		if err == nil {
			return raw, nil
		}
		if attempt == fetchAttempts {
			return nil, fmt.Errorf("read user-data, %d attempts: %w", attempt, err)
		}
		if perr := pause(ctx, delay); perr != nil {
			return nil, errors.Join(err, perr)
		}
		delay = min(2*delay, 2*time.Second)
	}
}

// instanceDir makes /var/lib/cloud/instances/<id> and the link
// /var/lib/cloud/instance to it, as cloud-init has them.
func (b Boot) instanceDir() (string, error) {
	dir := filepath.Join(b.StateDir, "instances", b.InstanceID)
	for _, sub := range []string{"boothooks", "scripts", "sem"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil { //nolint:gosec // readable inside, as on a real machine
			return "", fmt.Errorf("prepare cloud-init's folder: %w", err)
		}
	}
	link := filepath.Join(b.StateDir, "instance")
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("replace the link to this instance: %w", err)
	}
	if err := os.Symlink(filepath.Join("instances", b.InstanceID), link); err != nil {
		return "", fmt.Errorf("link this instance: %w", err)
	}
	return dir, nil
}

func (b Boot) boothooks(ctx context.Context, dir string, parts []Part) error {
	for i, p := range parts {
		switch {
		case p.Err != nil:
			b.say("part %d (%s) cannot be used: %v", i+1, p.Type, p.Err)
		case p.Type == TypeBoothook:
			if err := b.runPart(ctx, filepath.Join(dir, "boothooks"), i, p); err != nil {
				return err
			}
		case p.Type != TypeScript:
			b.say("part %d is skipped: type %q is not run here", i+1, p.Type)
		}
	}
	return nil
}

// scripts runs them unless the semaphore says that they ran. It is set before
// they start, as in cloud-init: a machine that powers off within its script
// does not run it again.
func (b Boot) scripts(ctx context.Context, dir string, parts []Part) error {
	sem := filepath.Join(dir, "sem", "config_scripts_user")
	f, err := os.OpenFile(sem, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		b.say("the scripts of this instance ran at an earlier boot")
		return nil
	}
	if err != nil {
		return fmt.Errorf("note that the scripts run: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("note that the scripts run: %w", err)
	}
	for i, p := range parts {
		if p.Err != nil || p.Type != TypeScript {
			continue
		}
		if err := b.runPart(ctx, filepath.Join(dir, "scripts"), i, p); err != nil {
			return err
		}
	}
	return nil
}

// runPart writes a part to a file and executes it. Its failure is told on
// Output; the error returned is ctx's alone.
func (b Boot) runPart(ctx context.Context, dir string, i int, p Part) error {
	path := filepath.Join(dir, partName(i, p))
	body := []byte(strings.TrimLeft(string(p.Body), " \t\r\n"))
	if err := files.WriteProgram(path, body, 0o700); err != nil {
		b.say("part %d was not run: %v", i+1, err)
		return ctx.Err()
	}
	exit, err := b.Run(ctx, Script{Path: path, Env: []string{"INSTANCE_ID=" + b.InstanceID}})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		b.say("part %d (%s) failed: %v", i+1, p.Type, err)
	case exit != 0:
		b.say("part %d (%s) failed: exit status %d", i+1, p.Type, exit)
	}
	return nil
}

// partName is a file name that cannot leave its folder and that no other part
// has.
func partName(i int, p Part) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		default:
			return '_'
		}
	}, p.Name)
	if len(name) > 100 {
		name = name[:100]
	}
	if name == "" {
		return fmt.Sprintf("part-%03d", i+1)
	}
	return fmt.Sprintf("part-%03d-%s", i+1, name)
}

// say writes a line on Output. A console that cannot be written to has nowhere
// to complain, so its error is dropped.
func (b Boot) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.Output, "cloud-init: "+format+"\n", args...)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
