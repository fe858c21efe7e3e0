// Package process is the runtime for systems without namespaces: an instance
// is one child process, the agent, whose metadata service is a port of
// 127.0.0.1 that its environment names.
//
// It never runs user-data: a script written for a machine of its own must not
// run on somebody's laptop. The console says so.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/server"
)

const (
	firstPause = time.Second      // before the first restart of a command that failed
	maxPause   = 10 * time.Second // the pause doubles up to this
	steady     = time.Minute      // a command that ran this long starts over with the first pause
	grace      = 2 * time.Second  // between asking the command to end and killing it
)

// Options configure the runtime.
type Options struct {
	// Command is the program, with its arguments, that every instance runs. It
	// calls EndWithCloud. Exit status 0 means that the machine powered itself
	// off; with any other it is started again.
	Command []string
	// Env is added to the command's environment, which otherwise has PATH, HOME
	// and the two endpoints alone.
	Env []string
	// Log receives what is of interest to whoever runs the cloud; nil discards it.
	Log *slog.Logger
}

// Runtime boots instances as child processes.
type Runtime struct {
	command []string
	env     []string
	log     *slog.Logger
	pause   func(ctx context.Context, d time.Duration) // between restarts; a test replaces it
}

// New returns the runtime. Boot fails if opts names no command.
func New(opts Options) *Runtime {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Runtime{command: opts.Command, env: opts.Env, log: log, pause: pause}
}

// Name is "process".
func (*Runtime) Name() string { return "process" }

// Boot opens the machine's metadata port and starts its command.
func (r *Runtime) Boot(ctx context.Context, m runtime.Machine) (runtime.Running, error) {
	if len(r.command) == 0 {
		return nil, errors.New("the process runtime was given no command to run")
	}
	dir, err := filepath.Abs(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of %s: %w", m.ID, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of %s: %w", m.ID, err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the metadata port of %s: %w", m.ID, err)
	}
	life, off := context.WithCancel(context.Background())
	plug, pull := context.WithCancel(context.Background())
	run := &machine{
		runtime: r, id: m.ID, dir: dir, off: off, plug: plug, pull: pull, done: make(chan struct{}), reboots: make(chan reboot),
		console: &console{w: m.Console, log: r.log},
		env: append([]string{
			"HOME=" + dir,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT=http://" + l.Addr().String() + "/",
			"AWS_ENDPOINT_URL=http://" + m.APIAddr,
		}, append(hostEnv(), r.env...)...),
	}
	run.console.say("user-data is kept but not run: this machine is a process, not a sandbox")
	started := make(chan error, 1)
	go run.live(life, l, m.Metadata, started)
	if err := <-started; err != nil {
		<-run.done
		return nil, fmt.Errorf("start %s of %s: %w", r.command[0], m.ID, err)
	}
	return run, nil
}

// serve answers on l until the returned function was called, which waits for
// the server to end.
func serve(l net.Listener, h http.Handler, log *slog.Logger) (stop func()) {
	srv := server.New(h, log)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metadata service ended", "error", err)
		}
	}()
	return func() {
		if err := srv.Close(); err != nil {
			log.Debug("close metadata port", "error", err)
		}
		<-ended
	}
}

// console lets the machine and this package write lines without mixing them.
// One that cannot be written to is not the machine's fault: an error would
// break the pipe and end the command.
type console struct {
	log *slog.Logger
	mu  sync.Mutex
	w   io.Writer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.w != nil {
		if _, err := c.w.Write(p); err != nil {
			c.log.Debug("write to the machine's console", "error", err)
		}
	}
	return len(p), nil
}

// say writes a line; Write logs what goes wrong.
func (c *console) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c, "machine: "+format+"\n", args...)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
