package localcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
	"github.com/spawn-ec2/spawn/internal/local/runtime/process"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
	"github.com/spawn-ec2/spawn/internal/local/server"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
)

// The runtimes by their names on the command line; "" chooses by trial.
const (
	runtimeSandbox = "sandbox"
	runtimeProcess = "process"
	runtimeNone    = "none"
)

func checkRuntime(name string) error {
	switch name {
	case "", runtimeSandbox, runtimeProcess, runtimeNone:
		return nil
	}
	return problem.New(problem.Usage, "there is no runtime %q", name).WithNext("use sandbox, process or none")
}

// serveCommand is the cloud itself. "spawn local up" runs it in the background.
func serveCommand(f *factory.Factory) *cobra.Command {
	var dir, runtimeName string
	cmd := &cobra.Command{
		Use:    "serve",
		Short:  "Run the local cloud in the foreground",
		Hidden: true,
		Args:   factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkRuntime(runtimeName); err != nil {
				return err
			}
			return NewCloud(f.Streams, dir).serve(cmd.Context(), runtimeName)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", f.Places.LocalCloud(), "where the cloud keeps what it has")
	cmd.Flags().StringVar(&runtimeName, "runtime", "", "how instances run")
	return cmd
}

// closeTimeout bounds the end of the machines when the cloud ends.
const closeTimeout = 40 * time.Second

// serve runs the cloud until ctx ends or it is told to shut down. A second
// cloud in the same folder gives way to the first.
func (c *Cloud) serve(ctx context.Context, runtimeName string) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("make the local cloud's folder: %w", err)
	}
	held, ok, err := c.lock()
	if err != nil {
		return fmt.Errorf("lock the local cloud's folder: %w", err)
	}
	if !ok {
		return problem.New(problem.Failed, "another local cloud lives in %s", c.dir)
	}
	defer held.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	// Of a cloud that was killed: what it says could be taken for this one's.
	if err := os.Remove(c.contactFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove what an earlier local cloud left: %w", err)
	}
	trial := filepath.Join(c.dir, "trial")
	if err := sandbox.Remove(trial); err != nil { // of a cloud that was killed during it
		return fmt.Errorf("remove what an earlier local cloud left: %w", err)
	}
	how, why, err := chooseRuntime(ctx, runtimeName, trial, log)
	if err != nil {
		return err
	}
	return c.run(ctx, how, why, log)
}

// run serves the cloud. One that was told to shut down is gone for good; any
// other end, the machine's included, leaves what the next one goes on with.
func (c *Cloud) run(ctx context.Context, how runtime.Runtime, why string, log *slog.Logger) error {
	listener, err := c.listen()
	if err != nil {
		return err
	}
	kept := filepath.Join(c.dir, "cloud")
	cloud, err := local.New(local.Options{Dir: kept, Keep: true, Runtime: how, Log: log, Addr: listener.Addr().String()})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	cloud.Tape().AddHook(logCalls(log))
	server := server.New(cloud.Handler(), log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	admin := cloud.Admin()
	err = c.writeContact(contact{settings.LocalContact{
		PID: os.Getpid(), Endpoint: "http://" + listener.Addr().String(),
		AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey,
		Runtime: how.Name(), RuntimeWhy: why, Started: time.Now(),
	}})
	forGood := false
	if err == nil {
		log.Info("the local cloud is up", "endpoint", listener.Addr().String(), "runtime", how.Name())
		select {
		case <-ctx.Done():
		case <-cloud.ShutdownRequested():
			forGood = true
		case err = <-served:
		}
	}
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err = errors.Join(err, cloud.Close(closeCtx), server.Shutdown(closeCtx), os.Remove(c.contactFile()))
	if forGood {
		err = errors.Join(err, sandbox.Remove(kept))
	}
	log.Info("the local cloud is down")
	return err
}

// listen takes the port of the cloud that was here before, so that whoever knew
// the endpoint, instances included, knows it still; any other if that one is
// taken.
func (c *Cloud) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.lastPort()))
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(c.portFile(), []byte(port), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write down the local cloud's port: %w", err), listener.Close())
	}
	return listener, nil
}

// lastPort is the port of the cloud that was here before; 0, which is any, if
// there was none or its note of it is of no use.
func (c *Cloud) lastPort() uint16 {
	text, err := os.ReadFile(c.portFile())
	if err != nil {
		return 0
	}
	port, err := strconv.ParseUint(string(text), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(port)
}

// logCalls writes every call that was answered to the log: what it was, whose,
// and what came of it.
func logCalls(log *slog.Logger) tape.Hook {
	return func(at tape.Point, c tape.Call) tape.Verdict {
		if at == tape.After {
			log.Info("call", "service", c.Service, "action", c.Action, "by", c.Principal, "region", c.Region, "status", c.Status, "error", c.Error)
		}
		return tape.Continue
	}
}

// writeContact puts the file in place at once and whole, readable by its user
// alone.
func (c *Cloud) writeContact(k contact) error {
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if err := files.WriteWhole(c.contactFile(), text, 0o600); err != nil {
		return fmt.Errorf("write down how to reach the local cloud: %w", err)
	}
	return nil
}

// Runtime tells, by a trial, in what instances would run, and why it is not the
// sandbox; "" when it is.
func (c *Cloud) Runtime(ctx context.Context) (name, why string, err error) {
	dir, err := os.MkdirTemp("", "spawn-trial-")
	if err != nil {
		return "", "", fmt.Errorf("try the sandbox: %w", err)
	}
	how, why, err := chooseRuntime(ctx, "", dir, slog.New(slog.DiscardHandler))
	if removeErr := os.RemoveAll(dir); err == nil {
		err = removeErr
	}
	if err != nil {
		return "", "", err
	}
	return how.Name(), why, nil
}

// chooseRuntime picks the sandbox where a trial of it succeeds, else processes;
// why says what the trial found wrong. A runtime that was asked for by name is
// taken, or refused when it does not work here.
func chooseRuntime(ctx context.Context, name, trialDir string, log *slog.Logger) (how runtime.Runtime, why string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	// The kernel's name for this program holds even after its file was replaced.
	inside := sandbox.Options{Init: []string{"/proc/self/exe", "local", "init"}, Log: log}
	plain := process.New(process.Options{Command: []string{self, "local", "agent"}, Log: log})
	switch name {
	case runtimeNone:
		return none.New(), "", nil
	case runtimeProcess:
		return plain, "asked for", nil
	}
	trialErr := sandbox.Trial(ctx, inside, trialDir)
	var refused *sandbox.RefusedError
	switch {
	case trialErr == nil:
		return sandbox.New(inside), "", nil
	case name == runtimeSandbox:
		return nil, "", fmt.Errorf("the sandbox does not work here: %w", trialErr)
	}
	log.Info("the sandbox does not work here", "why", trialErr)
	if errors.As(trialErr, &refused) {
		return plain, refused.Why, nil
	}
	return plain, trialErr.Error(), nil
}
