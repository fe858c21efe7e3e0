package act

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/spawn-ec2/spawn/internal/files"
)

// WarningFile is where people and programs on an instance find the warning.
const WarningFile = "/tmp/SPAWN_WARNING"

// wallTimeout bounds wall(1), which waits for terminals that do not read.
const wallTimeout = 5 * time.Second

// Users are whoever uses the machine: its terminals and a file that all can
// read.
type Users struct {
	File string // WarningFile, or elsewhere in a test
	Wall string // the command that writes to all terminals; "" where there is none
}

// NewUsers are the users of this machine.
func NewUsers() *Users {
	wall, err := exec.LookPath("wall")
	if err != nil {
		wall = "" // the file remains
	}
	return &Users{File: WarningFile, Wall: wall}
}

// Warn tells them. The file holds the text before any terminal does.
func (u *Users) Warn(ctx context.Context, text string) error {
	text = printable(text)
	return errors.Join(u.write(text), u.wall(ctx, text))
}

// CallOff tells them that a warning no longer holds. With an empty text it
// only takes away the file, which may be left from an earlier life.
func (u *Users) CallOff(ctx context.Context, text string) error {
	err := ignoreMissing(os.Remove(u.File))
	if text == "" {
		return err
	}
	return errors.Join(err, u.wall(ctx, printable(text)))
}

// write puts the text into the file. The file's folder belongs to everybody:
// a link, a pipe or a file of somebody else's under its name is replaced, never
// opened. A folder cannot be replaced; it is moved aside, with all that is in
// it, and the file takes its place.
func (u *Users) write(text string) error {
	err := files.WriteWhole(u.File, []byte(text+"\n"), 0o644)
	if err == nil {
		return nil
	}
	if info, statErr := os.Lstat(u.File); statErr != nil || !info.IsDir() {
		return err
	}
	aside := filepath.Join(filepath.Dir(u.File), "."+filepath.Base(u.File)+"."+rand.Text()+".aside")
	if moveErr := os.Rename(u.File, aside); moveErr != nil {
		return errors.Join(err, moveErr)
	}
	return files.WriteWhole(u.File, []byte(text+"\n"), 0o644)
}

// wall writes to all terminals. One that does not read leaves a child of
// wall(1) behind, which waits for it; the others were told.
func (u *Users) wall(ctx context.Context, text string) error {
	if u.Wall == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wallTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, u.Wall)
	cmd.Stdin = strings.NewReader(text + "\n")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("write to all terminals: %w: %.200s", err, out)
	}
	return nil
}

// printable is text that cannot do anything to a terminal: reasons may come
// from tags, the names of processes and the like.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Journal is a log in place of users: what an agent has that may not touch
// its machine.
type Journal struct{ Log *slog.Logger }

// Warn logs the warning.
func (j Journal) Warn(ctx context.Context, text string) error {
	j.Log.WarnContext(ctx, text)
	return nil
}

// CallOff logs that a warning no longer holds.
func (j Journal) CallOff(ctx context.Context, text string) error {
	j.Log.InfoContext(ctx, text)
	return nil
}
