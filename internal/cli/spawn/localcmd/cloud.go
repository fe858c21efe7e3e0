// Package localcmd is "spawn local": it starts the local cloud, finds it, and
// puts an end to it. It is the one package of spawn that knows the local cloud;
// to everything else the cloud is an endpoint.
package localcmd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Cloud is the user's local cloud: one process, and one folder that holds all
// that it has.
type Cloud struct {
	streams term.Streams
	dir     string
}

// NewCloud is the local cloud that lives in dir. Nothing is started.
func NewCloud(s term.Streams, dir string) *Cloud { return &Cloud{streams: s, dir: dir} }

// startTimeout bounds the start, the trial of the sandbox included.
const startTimeout = 40 * time.Second

// contact is how a running cloud is reached.
type contact struct{ settings.LocalContact }

func (c *Cloud) contactFile() string { return settings.LocalContactFile(c.dir) }
func (c *Cloud) portFile() string    { return filepath.Join(c.dir, "port") }
func (c *Cloud) lockFile() string    { return filepath.Join(c.dir, "lock") }
func (c *Cloud) logFile() string     { return filepath.Join(c.dir, "cloud.log") }

func (c contact) client() *control.Client {
	return control.NewClient(c.Endpoint, c.SecretAccessKey)
}

// find returns the contact of a cloud that answers; ok is false when there is
// none.
func (c *Cloud) find(ctx context.Context) (found contact, ok bool, err error) {
	found.LocalContact, ok, err = settings.ReadLocalContact(c.dir)
	if err != nil || !ok {
		return found, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = found.client().Status(ctx)
	return found, err == nil, nil
}

// Ensure starts the cloud if it does not run and tells how to reach it.
func (c *Cloud) Ensure(ctx context.Context) (awsx.Local, error) {
	found, err := c.up(ctx, "")
	id, secret := found.Caller()
	return awsx.Local{Endpoint: found.Endpoint, AccessKeyID: id, SecretAccessKey: secret}, err
}

// up returns the running cloud, or starts one with the runtime of that name;
// "" chooses by trial.
func (c *Cloud) up(ctx context.Context, runtime string) (contact, error) {
	found, ok, err := c.find(ctx)
	if err != nil {
		return found, err
	}
	if ok {
		return found, nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return found, fmt.Errorf("make the local cloud's folder: %w", err)
	}
	died, err := c.serveInBackground(runtime)
	if err != nil {
		return found, err
	}
	found, err = c.awaitContact(ctx, died)
	if err != nil {
		return found, err
	}
	line := fmt.Sprintf("the local cloud is up at %s: it is not AWS, and costs nothing", found.Endpoint)
	if found.RuntimeWhy != "" {
		line += "\n      instances run as plain processes, without booting: " + found.RuntimeWhy
	}
	term.Note(c.streams, "%s", line)
	return found, nil
}

// serveInBackground starts this program as the cloud, in a session of its own:
// it outlives the terminal. The channel is closed when the process has exited;
// its output is in the log.
func (c *Cloud) serveInBackground(runtime string) (died <-chan struct{}, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the local cloud: %w", err)
	}
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start the local cloud: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(self, "local", "serve", "--dir", c.dir, "--runtime", runtime)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, c.dir
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the local cloud: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		// Its exit code says nothing that the log does not; only that it
		// is gone matters here.
		_ = cmd.Wait()
		close(exited)
	}()
	return exited, nil
}

// awaitContact waits until a cloud answers: the one just started, or the one
// that another spawn started at the same moment, to which ours gave way.
func (c *Cloud) awaitContact(ctx context.Context, died <-chan struct{}) (contact, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		found, ok, err := c.find(ctx)
		if ok || err != nil {
			return found, err
		}
		select {
		case <-ctx.Done():
			return found, problem.New(problem.Failed, "the local cloud did not start").WithNext("see: spawn local logs")
		case <-died:
			died = nil
			if !c.locked() {
				return found, problem.New(problem.Failed, "the local cloud could not start").WithNext("see: spawn local logs")
			}
		case <-ticker.C:
		}
	}
}
