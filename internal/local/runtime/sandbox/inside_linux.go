package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spawn-ec2/spawn/internal/local/runtime/cloudinit"
	"github.com/spawn-ec2/spawn/internal/local/runtime/network"
)

// output is where user-data writes: a pipe that lives as long as the machine,
// because what a script leaves in the background goes on writing. It comes out
// on the console and in cloud-init's log.
type output struct {
	pipe   *os.File // the end to write to
	copied sync.WaitGroup
}

func openOutput() (*output, error) {
	log, err := os.OpenFile("/var/log/cloud-init-output.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open the log of the user-data: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open the log of the user-data: %w", err)
	}
	o := &output{pipe: w}
	o.copied.Go(func() {
		// A full disk must not silence the console, nor the other way round.
		_, _ = io.Copy(spread{os.Stdout, log}, r)
		_ = log.Close()
	})
	return o, nil
}

// spread writes to all of its writers, whatever becomes of each.
type spread []io.Writer

func (s spread) Write(p []byte) (int, error) {
	for _, w := range s {
		_, _ = w.Write(p)
	}
	return len(p), nil
}

// say writes a line of the init's own.
func (o *output) say(format string, args ...any) {
	_, _ = fmt.Fprintf(o.pipe, "init: "+format+"\n", args...)
}

// close waits until what was written is out. Every other writer must be dead.
func (o *output) close() error {
	if err := o.pipe.Close(); err != nil {
		return fmt.Errorf("close the console: %w", err)
	}
	o.copied.Wait()
	return nil
}

// cloudInit runs the user-data. Its failure is told on the console: a real
// machine with broken user-data runs, too.
func (p *initProcess) cloudInit(ctx context.Context, out *output) {
	err := cloudinit.Boot{
		InstanceID: p.spec.ID,
		Metadata:   cloudinit.Metadata{URL: "http://" + network.MetadataIP},
		StateDir:   "/var/lib/cloud",
		Output:     out.pipe,
		Run: func(ctx context.Context, s cloudinit.Script) (int, error) {
			return p.runScript(ctx, s, out)
		},
	}.Start(ctx)
	switch {
	case ctx.Err() != nil: // powering off
	case err != nil:
		out.say("user-data failed: %v", err)
	default:
		out.say("user-data is done")
	}
}

func (p *initProcess) runScript(ctx context.Context, s cloudinit.Script, out *output) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	to := out.pipe.Fd()
	c, err := p.children.start(s.Path, []string{s.Path}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   append(rootEnv(), s.Env...),
		Files: []uintptr{null.Fd(), to, to},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	select {
	case <-c.ended:
		return exitCode(c.status), nil
	case <-ctx.Done():
		return 0, ctx.Err() // the power-off sees to the process
	}
}

// rootEnv is the environment of what runs inside.
func rootEnv() []string {
	return []string{insidePath, "HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8"}
}

// override adds variables to an environment, or puts them in the place of what
// it has under the same names: with two of a name programs differ in which one
// they see.
func override(env, with []string) []string {
	for _, v := range with {
		name, _, _ := strings.Cut(v, "=")
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		env = append(env, v)
	}
	return env
}

// exec starts a command for the host and tells it about the end.
func (p *initProcess) exec(msg message, fds []int) {
	c, err := p.startCommand(msg, fds)
	closeAll(fds)
	if err != nil {
		code := 126
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			code = 127
		}
		p.answer(message{Kind: kindExit, ID: msg.ID, Code: code, Text: err.Error()})
		return
	}
	p.mu.Lock()
	p.commands[msg.ID] = c
	p.mu.Unlock()
	p.told.Go(func() {
		<-c.ended
		p.mu.Lock()
		delete(p.commands, msg.ID)
		p.mu.Unlock()
		p.answer(message{Kind: kindExit, ID: msg.ID, Code: exitCode(c.status)})
	})
}

// answer tells the host something. If it has gone, obey hears of it, too.
func (p *initProcess) answer(m message, files ...*os.File) {
	_ = p.link.send(m, files...)
}

func (p *initProcess) killCommand(id int) {
	p.mu.Lock()
	c := p.commands[id]
	p.mu.Unlock()
	if c == nil {
		return // it has ended meanwhile
	}
	if err := p.children.kill(c); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "init: kill a command:", err)
	}
}

func (p *initProcess) startCommand(msg message, fds []int) (*child, error) {
	path, argv, err := resolve(msg.Args)
	if err != nil {
		return nil, err
	}
	env := rootEnv()
	if msg.TTY {
		env = append(env, "TERM=xterm-256color")
	}
	attr := &syscall.ProcAttr{Dir: "/root", Env: override(env, msg.Env), Sys: &syscall.SysProcAttr{Setsid: true}}
	if !msg.TTY {
		if len(fds) != 3 {
			return nil, fmt.Errorf("the cloud sent %d files with a command, not 3", len(fds))
		}
		for _, fd := range fds {
			attr.Files = append(attr.Files, uintptr(fd))
		}
		return p.children.start(path, argv, attr)
	}
	master, slave, err := openTerminal(msg.Rows, msg.Cols)
	if err != nil {
		return nil, err
	}
	defer master.Close()
	defer slave.Close()
	attr.Files = []uintptr{slave.Fd(), slave.Fd(), slave.Fd()}
	attr.Sys.Setctty = true // its descriptor 0, as Ctty is
	// First, so that the host reads from it before the command's exit comes.
	if err := p.link.send(message{Kind: kindTerminal, ID: msg.ID}, master); err != nil {
		return nil, err
	}
	return p.children.start(path, argv, attr)
}

// resolve finds the program of a command; without one it is a login shell.
func resolve(args []string) (string, []string, error) {
	if len(args) == 0 {
		for _, shell := range []string{"/bin/bash", "/bin/sh"} {
			if _, err := os.Stat(shell); err == nil {
				return shell, []string{"-" + filepath.Base(shell)}, nil
			}
		}
		return "", nil, fmt.Errorf("a shell: %w", exec.ErrNotFound)
	}
	if strings.Contains(args[0], "/") {
		return args[0], args, nil
	}
	path, err := exec.LookPath(args[0])
	return path, args, err
}
