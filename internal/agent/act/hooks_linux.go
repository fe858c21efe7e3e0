package act

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// hookGrace is how long a hook whose time is over has to end by itself after
// SIGTERM, within its time.
const hookGrace = 2 * time.Second

// Hooks are the programs that run before this instance ends.
type Hooks struct {
	Dir        string // HooksDir, or elsewhere in a test
	SystemdRun string // systemd-run(1), "" where there is none
	Log        *slog.Logger
}

// NewHooks are the hooks of this machine.
func NewHooks(log *slog.Logger) Hooks {
	h := Hooks{Dir: HooksDir, Log: log}
	// https://www.freedesktop.org/software/systemd/man/latest/sd_booted.html
	if info, err := os.Lstat("/run/systemd/system"); err == nil && info.IsDir() {
		if path, err := exec.LookPath("systemd-run"); err == nil {
			h.SystemdRun = path
		}
	}
	return h
}

// hook is a program to run.
type hook struct {
	name string
	argv []string
}

// Run runs the hooks of an end, one after another: the programs in the folder
// in the order of their names, then the policy's command. All together have
// until ctx ends, and at most two minutes; each has an even share of what is
// left, so that one that hangs does not take the others' time.
//
// Under systemd a hook is a unit of its own: it is not bound by what the
// agent's own unit forbids, and nothing of it is left when it is done or its
// time is over. Elsewhere what is left of its process group is killed; a process
// that made itself a session of its own is not found again.
//
// Their output goes to the log. The error names every hook that failed, was
// refused or was not reached; it is no reason not to end.
func (h Hooks) Run(ctx context.Context, e Ending) error {
	ctx, cancel := context.WithTimeout(ctx, hooksPatience)
	defer cancel()
	until, _ := ctx.Deadline()
	list, err := h.list()
	failures := []error{err}
	if e.PreStop != "" {
		list = append(list, hook{name: "the pre-stop command", argv: []string{"/bin/sh", "-c", e.PreStop}})
	}
	for i, each := range list {
		share := time.Until(until) / time.Duration(len(list)-i)
		if ctx.Err() != nil || share <= 0 {
			failures = append(failures, fmt.Errorf("%s: no time was left for it", each.name))
			continue
		}
		if err := h.runOne(ctx, each, e.environment(), share); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", each.name, err))
		}
	}
	return errors.Join(failures...)
}

// list finds the programs to run. They run as root, so whoever can write one
// must be root: the folder and each file belong to the agent's user, and
// nobody else may write there.
func (h Hooks) list() (list []hook, err error) {
	info, err := os.Lstat(h.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for hooks: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("no hook runs: %s is not a folder", h.Dir)
	}
	if err := trusted(info); err != nil {
		return nil, fmt.Errorf("no hook runs: %s %w", h.Dir, err)
	}
	entries, err := os.ReadDir(h.Dir) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("look for hooks: %w", err)
	}
	var refused []error
	for _, entry := range entries {
		path := filepath.Join(h.Dir, entry.Name())
		info, err := os.Lstat(path)
		switch {
		case err != nil:
		case !info.Mode().IsRegular():
			err = errors.New("is not a regular file")
		case info.Mode()&0o111 == 0:
			err = errors.New("is not executable")
		default:
			err = trusted(info)
		}
		if err != nil {
			refused = append(refused, fmt.Errorf("%s does not run: it %w", path, err))
			continue
		}
		list = append(list, hook{name: path, argv: []string{path}})
	}
	return list, errors.Join(refused...)
}

// trusted refuses what somebody else could have written.
func trusted(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || int(stat.Uid) != os.Geteuid():
		return errors.New("belongs to another user")
	case info.Mode()&0o022 != 0:
		return errors.New("can be written by others")
	}
	return nil
}

// runOne runs a hook for as long as share at most.
func (h Hooks) runOne(ctx context.Context, each hook, env []string, share time.Duration) error {
	grace := min(hookGrace, share/4)
	patience, argv := share-grace, each.argv
	if h.SystemdRun != "" {
		// systemd keeps the time; systemd-run lives to tell of the end.
		patience, argv = share, h.asUnit(each.argv, env, share-grace, grace)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var output lastBytes
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "/", env
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process, syscall.SIGTERM) }
	cmd.WaitDelay = grace // then the leader is killed and its output is no longer waited for

	h.Log.InfoContext(ctx, "a hook runs", "hook", each.name, "for at most", share.Round(time.Millisecond))
	begun := time.Now()
	err := cmd.Run()
	took := time.Since(begun)
	if cmd.Process != nil {
		err = errors.Join(err, killGroup(cmd.Process, syscall.SIGKILL))
	}
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it is done; what it left behind held its output open, and was killed
	}
	if err != nil && took >= share-grace {
		err = fmt.Errorf("its time was over after %s: %w", share.Round(time.Millisecond), err)
	}
	h.Log.InfoContext(ctx, "a hook is done", "hook", each.name, "took", took.Round(time.Millisecond),
		"error", err, "output", output.String())
	return err
}

// asUnit is the command that runs argv as a unit for as long as limit, and
// waits for it. Dollar signs are doubled because systemd expands variables in
// the arguments of a unit, which are the shell's business here.
//
// https://www.freedesktop.org/software/systemd/man/latest/systemd-run.html
// https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines
func (h Hooks) asUnit(argv, env []string, limit, grace time.Duration) []string {
	out := []string{
		h.SystemdRun, "--quiet", "--collect", "--pipe", "--wait", "--description=Before this instance ends",
		"--property=WorkingDirectory=/",
		fmt.Sprintf("--property=RuntimeMaxSec=%dms", limit.Milliseconds()),
		fmt.Sprintf("--property=TimeoutStopSec=%dms", grace.Milliseconds()),
	}
	for _, variable := range env {
		out = append(out, "--setenv="+variable)
	}
	out = append(out, "--")
	for _, arg := range argv {
		out = append(out, strings.ReplaceAll(arg, "$", "$$"))
	}
	return out
}

// killGroup signals the process group that a hook leads; one that is empty is
// no error. The group's number is its leader's process id, which the kernel
// does not give to another while the group has a member.
func killGroup(leader *os.Process, signal syscall.Signal) error {
	err := syscall.Kill(-leader.Pid, signal)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}
