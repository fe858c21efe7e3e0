package act

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"
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

// Warn tells them.
func (u *Users) Warn(ctx context.Context, text string) error {
	err := replaceFile(u.File, []byte(text+"\n"), 0o644)
	return errors.Join(err, u.wall(ctx, text))
}

// CallOff tells them that a warning no longer holds.
func (u *Users) CallOff(ctx context.Context, text string) error {
	err := ignoreMissing(os.Remove(u.File))
	return errors.Join(err, u.wall(ctx, text))
}

func (u *Users) wall(ctx context.Context, text string) error {
	if u.Wall == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wallTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, u.Wall)
	cmd.Stdin = strings.NewReader(text + "\n")
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write to all terminals: %w: %.200s", err, out)
	}
	return nil
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
