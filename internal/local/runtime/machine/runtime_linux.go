package machine

import (
	"context"
	_ "embed" // the supervisor is a file
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/reboots"
)

//go:embed supervise.sh
var supervise string

// Options configure the runtime.
type Options struct {
	// Disk is the folder that every machine starts from, as scripts/e2e-root.sh
	// makes it. It is only read.
	Disk string
	// Log receives what is of interest to whoever runs the cloud; nil discards it.
	Log *slog.Logger
}

// Runtime boots machines with systemd.
type Runtime struct {
	disk string
	log  *slog.Logger

	mu       sync.Mutex
	gateways map[string]string // by the machine's id: see Gateway
}

// New returns the runtime, or says what it lacks on this system.
func New(o Options) (*Runtime, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("machines with systemd need root")
	}
	for _, need := range []string{"systemd-nspawn", "setpriv", "nsenter", "awk"} {
		if _, err := exec.LookPath(need); err != nil {
			return nil, fmt.Errorf("machines with systemd need a program: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(o.Disk, "usr/lib/systemd/systemd")); err != nil {
		return nil, fmt.Errorf("machines with systemd need a disk to start from: %w", err)
	}
	return &Runtime{disk: o.Disk, log: o.Log, gateways: map[string]string{}}, nil
}

// Gateway is the file of the network namespace from which a machine that runs
// can be reached at its private address; "" if there is none.
func (r *Runtime) Gateway(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gateways[id]
}

func (r *Runtime) setGateway(id, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gateways[id] = path
}

// Name is "machine".
func (*Runtime) Name() string { return "machine" }

// Boot starts a machine and returns when its systemd runs.
func (r *Runtime) Boot(ctx context.Context, m runtime.Machine) (runtime.Running, error) {
	if m.Arch != "" && m.Arch != hostArch() {
		return nil, fmt.Errorf("%w: it is %s, not %s", runtime.ErrNoCapacity, hostArch(), m.Arch)
	}
	dir, err := filepath.Abs(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of %s: %w", m.ID, err)
	}
	if strings.ContainsAny(dir+r.disk, ",:\\ ") {
		return nil, fmt.Errorf("folder of %s: an overlay cannot be named %s", m.ID, dir)
	}
	m.Dir = filepath.Join(dir, "disk")
	if err := os.MkdirAll(m.Dir, 0o755); err != nil { //nolint:gosec // it becomes / inside, for all users
		return nil, fmt.Errorf("disk of %s: %w", m.ID, err)
	}
	first, err := r.boot(ctx, m)
	if err != nil {
		return nil, err
	}
	again := func(ctx context.Context) (*boot, error) { return r.boot(ctx, m) }
	return machine{reboots.See(first, again, r.log.With("instance", m.ID)), m.ID}, nil
}

// machine is a machine from its first boot to its end.
type machine struct {
	*reboots.Machine[*boot]
	id string
}

// boot is one boot of a machine.
type boot struct {
	log     *slog.Logger
	network *wiring
	cmd     *exec.Cmd     // the supervisor
	plug    io.Closer     // pulled by closing it
	gone    chan struct{} // closed when everything of this boot has gone
	again   bool          // it ended by a reboot; written before gone is closed
	reset   atomic.Bool   // its plug is pulled for a reboot
	leader  int           // process id of its systemd on the host
	figures *figures
}

// boot boots a machine once.
func (r *Runtime) boot(ctx context.Context, m runtime.Machine) (*boot, error) {
	log := r.log.With("instance", m.ID)
	network, err := newWiring(m, log)
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", m.ID, err)
	}
	cmd := exec.Command("/bin/sh", "-c", supervise, "supervise", m.Dir, r.disk, pathOf(network.inside), m.Hostname, "machine-"+m.ID)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNS, // Go makes its mounts private
		Setsid:       true,                // Ctrl-C at the cloud's terminal is not for the machines
	}
	if m.Console != nil {
		screen := &console{w: m.Console, log: log}
		cmd.Stdout, cmd.Stderr = screen, screen
	}
	plug, err := cmd.StdinPipe()
	if err != nil {
		network.close()
		return nil, fmt.Errorf("boot %s: %w", m.ID, err)
	}
	b := &boot{log: log, network: network, cmd: cmd, plug: plug, gone: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		network.close()
		return nil, fmt.Errorf("boot %s: %w", m.ID, err)
	}
	r.setGateway(m.ID, pathOf(network.gateway))
	go b.await()
	if b.leader, err = b.awaitLeader(ctx); err == nil {
		b.figures, err = showFigures(b.leader, m.VCPUs, log)
	}
	if err != nil {
		b.pullPlug()
		<-b.gone
		return nil, fmt.Errorf("boot %s: %w", m.ID, err)
	}
	return b, nil
}

// rebooted is how systemd-nspawn exits when the machine is to boot again and
// somebody else is to see to it.
// https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html#--keep-unit
const rebooted = 133

// Attend waits until the boot has ended.
func (b *boot) Attend() (again bool) {
	<-b.gone
	b.figures.stop()
	return b.again || b.reset.Load()
}

// await waits for the end of the supervisor.
func (b *boot) await() {
	defer close(b.gone)
	err := b.cmd.Wait()
	b.again = b.cmd.ProcessState.ExitCode() == rebooted
	if err != nil && !b.again {
		b.log.Warn("the machine is off, and not in order", "error", err)
	}
	b.network.close()
}

// awaitLeader waits until the machine's systemd runs.
func (b *boot) awaitLeader(ctx context.Context) (int, error) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if pid := findLeader(b.cmd.Process.Pid); pid != 0 {
			return pid, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-b.gone:
			return 0, fmt.Errorf("systemd-nspawn exited: %v", b.cmd.ProcessState)
		case <-again.C:
		}
	}
}

// pullPlug takes the machine's power away.
func (b *boot) pullPlug() {
	if err := b.plug.Close(); err != nil {
		b.log.Debug("pull the machine's plug", "error", err) // it was pulled before
	}
}

// Signals that systemd takes as orders, SIGRTMIN being 34 in glibc.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.html#Signals
const (
	sigPowerOff = syscall.Signal(34 + 4)
	sigReboot   = syscall.Signal(34 + 5)
)

// Ask gives systemd an order.
func (b *boot) Ask(o reboots.Order) {
	select {
	case <-b.gone:
		return
	default:
	}
	order := sigPowerOff
	if o == reboots.Restart {
		order = sigReboot
	}
	if err := syscall.Kill(b.leader, order); err != nil {
		b.log.Warn("cannot ask the machine to shut down, its plug is pulled", "error", err)
		b.Cut(o)
	}
}

// Cut pulls the plug.
func (b *boot) Cut(o reboots.Order) {
	b.reset.Store(o == reboots.Restart)
	b.pullPlug()
}

// console keeps the machine going when what it prints cannot be written.
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

// hostArch is the host's architecture as EC2 names it.
func hostArch() string {
	if goruntime.GOARCH == "amd64" {
		return "x86_64"
	}
	return goruntime.GOARCH
}
