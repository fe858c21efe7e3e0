package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime/counters"
	"github.com/spawn-ec2/spawn/internal/local/runtime/network"
)

const (
	controlFD = 3 // where start puts the control socket
	lockFD    = 4 // and the lock of the disk, which is only held

	// insidePath is the search path of everything inside. /usr/local/sbin comes
	// first: the commands that power this machine off are there.
	insidePath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

	// shutdownGrace is between SIGTERM and SIGKILL at power-off.
	shutdownGrace = 2 * time.Second

	// restartExit is the init's exit status when the machine is to boot again.
	restartExit = 64
)

// Signals that systemd's init takes as orders, SIGRTMIN being 34 in glibc.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.html#Signals
const (
	sigHalt     = syscall.Signal(34 + 3)
	sigPowerOff = syscall.Signal(34 + 4)
	sigReboot   = syscall.Signal(34 + 5)
)

// Main is the init of a machine. The program that Options.Init names calls it
// before anything else; it never returns. It does nothing but complain when it
// was not started by this package.
func Main() {
	// There may be 50 of it, and none does much: small is better than fast.
	debug.SetGCPercent(20)
	restart, err := runInit()
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "init:", err)
		os.Exit(1)
	case restart:
		os.Exit(restartExit)
	}
	os.Exit(0)
}

// initProcess is PID 1.
type initProcess struct {
	spec     spec
	link     *link
	children *reaper
	counters *counters.Counters
	gateway  *os.File    // its network namespace; nil if there is none
	off      chan ending // the first one counts

	mu       sync.Mutex
	commands map[int]*child // what Exec runs, by the host's id
	told     sync.WaitGroup // of the goroutines that tell the host about their end
}

// ending is why a machine shuts down, and whether to boot again.
type ending struct {
	why     string
	restart bool
}

func runInit() (restart bool, err error) {
	if os.Getpid() != 1 {
		return false, errors.New("this is the init of a sandbox, started by the local cloud alone")
	}
	syscall.CloseOnExec(controlFD)
	syscall.CloseOnExec(lockFD)
	syscall.Umask(0o022)
	control, err := newLink(os.NewFile(controlFD, "control"))
	if err != nil {
		return false, err
	}
	msg, _, err := control.receive()
	if err != nil {
		return false, fmt.Errorf("learn what to be: %w", err)
	}
	if msg.Kind != kindMachine || msg.Machine == nil {
		return false, fmt.Errorf("learn what to be: got %q", msg.Kind)
	}
	p := &initProcess{
		spec: *msg.Machine, link: control, children: newReaper(),
		off: make(chan ending, 1), commands: map[int]*child{},
	}
	if err := p.setUp(); err != nil {
		return false, errors.Join(err, control.send(message{Kind: kindFailed, Text: err.Error()}))
	}
	return p.run()
}

// setUp makes this machine what it is and hands the host its sockets.
func (p *initProcess) setUp() error {
	warn := func(text string) {
		// The host has gone if this fails, which the next receive tells.
		_ = p.link.send(message{Kind: kindLog, Text: text})
	}
	var err error
	if p.counters, err = makeRoot(p.spec, warn); err != nil {
		return err
	}
	// The gateway's namespace is open as long as this process lives.
	p.gateway, err = network.Make(network.Addresses{PrivateIP: p.spec.PrivateIP, Gateway: p.spec.Gateway}, warn)
	if err != nil {
		return err
	}
	if err := p.sendListeners(); err != nil {
		return err
	}
	msg, _, err := p.link.receive()
	if err != nil {
		return fmt.Errorf("wait for the host to serve the metadata: %w", err)
	}
	if msg.Kind != kindGo {
		return fmt.Errorf("wait for the host to serve the metadata: got %q", msg.Kind)
	}
	return nil
}

// sendListeners opens the machine's two services in its own network, where the
// host cannot, and hands them to the host, which answers them.
func (p *initProcess) sendListeners() error {
	addrs := []string{network.MetadataIP + ":80"}
	if p.spec.API != "" {
		addrs = append(addrs, p.spec.API)
	}
	var files []*os.File
	defer func() {
		for _, f := range files {
			_ = f.Close() // the host has its own copy
		}
	}()
	for _, addr := range addrs {
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			return fmt.Errorf("listen inside: %w", err)
		}
		f, err := l.(*net.TCPListener).File()
		_ = l.Close() // f is a copy
		if err != nil {
			return fmt.Errorf("listen inside: %w", err)
		}
		files = append(files, f)
	}
	return p.link.send(message{Kind: kindListeners}, files...)
}

// run is the machine's life: user-data, commands from the host, and the first
// reason to shut down.
func (p *initProcess) run() (restart bool, err error) {
	signals := make(chan os.Signal, 16)
	// Those without a meaning here are caught as well: unhandled, they would
	// end a Go program, and with it the machine. Ignoring them would be
	// inherited by everything that runs inside.
	signal.Notify(signals, sigHalt, sigPowerOff, sigReboot,
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGPWR, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGALRM, syscall.SIGVTALRM, syscall.SIGXCPU, syscall.SIGXFSZ,
		syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGSEGV, syscall.SIGSTKFLT,
		syscall.SIGSYS, syscall.SIGTRAP)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var owned sync.WaitGroup
	reaped := make(chan struct{})
	go func() {
		defer close(reaped)
		p.children.run(ctx)
	}()
	debug.FreeOSMemory() // what the setting up took
	out, err := openOutput()
	if err != nil {
		return false, err
	}
	bootCtx, stopBoot := context.WithCancel(ctx)
	defer stopBoot()
	owned.Go(func() { p.cloudInit(bootCtx, out) })
	owned.Go(func() {
		if err := p.counters.Run(ctx, "/proc"); err != nil {
			out.say("the figures in /proc stand still: %v", err)
		}
	})
	go p.obey() // ends with the process: it waits for the host alone

	end := p.awaitOff(signals)
	if end.restart {
		out.say("reboot: %s", end.why)
	} else {
		out.say("power off: %s", end.why)
	}
	stopBoot()
	if p.children.shutDown(shutdownGrace) {
		p.told.Wait()
	}
	cancel()
	owned.Wait()
	<-reaped
	return end.restart, out.close()
}

// awaitOff returns why the machine is to shut down.
func (p *initProcess) awaitOff(signals <-chan os.Signal) ending {
	for {
		select {
		case end := <-p.off:
			return end
		case s := <-signals:
			switch s {
			case sigPowerOff, syscall.SIGPWR, syscall.SIGTERM, syscall.SIGUSR2: // SIGUSR2 is busybox's poweroff
				return ending{why: "asked for from inside"}
			case sigHalt, syscall.SIGUSR1:
				return ending{why: "asked to halt from inside, which is the same here"}
			case sigReboot, syscall.SIGINT:
				return ending{why: "asked for from inside", restart: true}
			}
		}
	}
}

// shutDown records a reason. The first one is being acted on already if there
// is no room.
func (p *initProcess) shutDown(end ending) {
	select {
	case p.off <- end:
	default:
	}
}

// obey does what the host says until the host has gone, which is a reason to
// power off.
func (p *initProcess) obey() {
	for {
		msg, fds, err := p.link.receive()
		if err != nil {
			p.shutDown(ending{why: "the cloud has gone"})
			return
		}
		switch msg.Kind {
		case kindPowerOff:
			p.shutDown(ending{why: "asked for by the cloud"})
		case kindReboot:
			p.shutDown(ending{why: "asked for by the cloud", restart: true})
		case kindExec:
			p.exec(msg, fds)
		case kindKill:
			p.killCommand(msg.ID)
		default:
			closeAll(fds)
			_, _ = fmt.Fprintf(os.Stderr, "init: the cloud sent %q, which is unknown\n", msg.Kind)
		}
	}
}
