package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/reboots"
)

// Runtime boots machines in namespaces.
type Runtime struct {
	opts Options
	log  *slog.Logger
}

// New returns the runtime. Whether it works here only Trial can tell.
func New(opts Options) *Runtime { return &Runtime{opts: opts, log: opts.logger()} }

// Name is "sandbox".
func (*Runtime) Name() string { return "sandbox" }

// Boot makes the namespaces, starts the machine's init in them and serves the
// metadata service and the API inside. It returns when the init is about to
// run the user-data. A machine whose folder is in use by another is refused.
func (r *Runtime) Boot(ctx context.Context, m runtime.Machine) (runtime.Running, error) {
	if len(r.opts.Init) == 0 {
		return nil, errNoInit
	}
	if m.Arch != "" && m.Arch != hostArch() {
		return nil, fmt.Errorf("%w: it runs the host's programs, which are %s, not %s", runtime.ErrNoCapacity, hostArch(), m.Arch)
	}
	dir, err := filepath.Abs(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of %s: %w", m.ID, err)
	}
	s := spec{
		ID: m.ID, Hostname: m.Hostname, PrivateIP: m.PrivateIP, Gateway: m.Gateway, VCPUs: m.VCPUs, API: m.APIAddr,
		Disk: filepath.Join(dir, "disk"),
	}
	if s.Home, err = os.UserHomeDir(); err != nil {
		s.Home = "" // without a home there is nothing to hide
	}
	if err := os.MkdirAll(s.Disk, 0o700); err != nil {
		return nil, fmt.Errorf("disk of %s: %w", m.ID, err)
	}
	first, err := r.boot(ctx, s, m)
	if err != nil {
		return nil, err
	}
	again := func(ctx context.Context) (*boot, error) { return r.boot(ctx, s, m) }
	return machine{reboots.See(first, again, r.log.With("instance", m.ID))}, nil
}

// boot boots a machine once.
func (r *Runtime) boot(ctx context.Context, s spec, m runtime.Machine) (*boot, error) {
	lock, err := lockDisk(ctx, s.Disk)
	if err != nil {
		return nil, fmt.Errorf("disk of %s: %w", m.ID, err)
	}
	// Init has the lock too: it is free when the last of both has ended.
	defer lock.Close()
	b, err := r.start(s, m, lock)
	if err != nil {
		return nil, fmt.Errorf("start the sandbox of %s: %w", m.ID, err)
	}
	if err := b.handshake(ctx, s, m); err != nil {
		b.pullPlug()
		b.finish()
		return nil, fmt.Errorf("boot %s: %w", m.ID, err)
	}
	return b, nil
}

// lockDisk takes the disk for one machine. After a cloud was killed its
// machines take a moment to die, which is waited for, two seconds at most.
func lockDisk(ctx context.Context, disk string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	f, err := os.OpenFile(filepath.Join(disk, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return f, nil
		}
		select {
		case <-ctx.Done():
			_ = f.Close() // nothing was written to it
			return nil, fmt.Errorf("a machine runs from it already: %w", ctx.Err())
		case <-again.C:
		}
	}
}

// start starts the init in new namespaces.
func (r *Runtime) start(s spec, m runtime.Machine, lock *os.File) (*boot, error) {
	host, inside, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer inside.Close()
	control, err := newLink(host)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(r.opts.Init[0], r.opts.Init[1:]...)
	cmd.Dir, cmd.Env = "/", append([]string{insidePath}, r.opts.Env...)
	cmd.ExtraFiles = []*os.File{inside, lock}
	if m.Console != nil {
		screen := &console{w: m.Console, log: r.log.With("instance", m.ID)}
		cmd.Stdout, cmd.Stderr = screen, screen
	}
	if cmd.SysProcAttr, err = namespaces(); err != nil {
		return nil, err
	}
	run := &boot{
		id: m.ID, disk: s.Disk, log: r.log.With("instance", m.ID), link: control, cmd: cmd,
		exited: make(chan error, 1), gone: make(chan struct{}), calls: map[int]chan event{},
	}
	run.services.Log = run.log
	started := make(chan error, 1)
	go func() {
		// The kernel kills the init when the thread that started it ends, so
		// this goroutine keeps its thread until the machine is off.
		goruntime.LockOSThread()
		defer goruntime.UnlockOSThread()
		err := run.startOn(processors(m.ID, m.VCPUs))
		started <- err
		if err == nil {
			run.exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		_ = control.conn.Close() // never used
		return nil, err
	}
	return run, nil
}

// console hides the machine's console behind a pipe even if it is a file: the
// host's terminal must not come to be inside. A console that cannot be written
// to is not the machine's fault, and does not end it.
type console struct {
	w   io.Writer
	log *slog.Logger
}

func (c *console) Write(p []byte) (int, error) {
	if _, err := c.w.Write(p); err != nil {
		c.log.Debug("write to the machine's console", "error", err)
	}
	return len(p), nil
}

// namespaces are those that a machine has.
func namespaces() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:   syscall.SIGKILL,
		Setsid:      true, // Ctrl-C at the cloud's terminal is not for the machines
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	if !mapsAllIDs() {
		return attr, nil
	}
	var err error
	if attr.UidMappings, err = sameIDs("/proc/self/uid_map"); err != nil {
		return nil, err
	}
	if attr.GidMappings, err = sameIDs("/proc/self/gid_map"); err != nil {
		return nil, err
	}
	// Where this process may not change its groups, nobody below it may.
	own, err := os.ReadFile("/proc/self/setgroups")
	if err != nil {
		return nil, fmt.Errorf("read own groups: %w", err)
	}
	attr.GidMappingsEnableSetgroups = string(bytes.TrimSpace(own)) == "allow"
	return attr, nil
}

// mapsAllIDs says whether this process may give a user namespace every id it
// has itself: root with the capabilities to do so. A plain user may map its own
// id alone (user_namespaces(7)).
func mapsAllIDs() bool {
	if os.Geteuid() != 0 {
		return false
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&header, &caps[0]); err != nil {
		return false
	}
	const both = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return caps[0].Effective&both == both
}

// sameIDs maps every id of this process's own user namespace to itself.
func sameIDs(path string) ([]syscall.SysProcIDMap, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read own ids: %w", err)
	}
	var out []syscall.SysProcIDMap
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		f := bytes.Fields(lines.Bytes())
		if len(f) != 3 {
			return nil, fmt.Errorf("read own ids: %s has the line %q", path, lines.Text())
		}
		first, err := strconv.Atoi(string(f[0]))
		if err != nil {
			return nil, fmt.Errorf("read own ids: %w", err)
		}
		count, err := strconv.Atoi(string(f[2]))
		if err != nil {
			return nil, fmt.Errorf("read own ids: %w", err)
		}
		out = append(out, syscall.SysProcIDMap{ContainerID: first, HostID: first, Size: count})
	}
	return out, nil
}

// listener makes a net.Listener of a socket that came from inside.
func listener(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "socket from inside")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("use a socket from inside: %w", err)
	}
	return l, nil
}

// hostArch is the host's architecture as EC2 names it.
func hostArch() string {
	switch goruntime.GOARCH {
	case "amd64":
		return "x86_64"
	default:
		return goruntime.GOARCH
	}
}
