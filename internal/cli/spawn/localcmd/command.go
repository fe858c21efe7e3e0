package localcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// New makes the command with its subcommands.
func New(f *factory.Factory) *cobra.Command {
	c := NewCloud(f.Streams, f.Places.LocalCloud())
	cmd := &cobra.Command{
		Use:   "local",
		Short: "The local cloud: EC2 on this machine, without an account",
		Long: `The local cloud speaks EC2's protocol on this machine's loopback address. Every
command uses it with --local, and starts it by itself. Other tools use it with
the environment that "spawn local env" prints. It is not AWS.`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.upCommand(), c.downCommand(), c.statusCommand(), c.envCommand(), c.logsCommand(), c.faultCommand(f),
		serveCommand(f), initCommand(), agentCommand(f))
	return cmd
}

func (c *Cloud) upCommand() *cobra.Command {
	var runtime string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the local cloud, if it does not run",
		Args:  factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkRuntime(runtime); err != nil {
				return err
			}
			found, err := c.up(cmd.Context(), runtime)
			if err != nil {
				return err
			}
			if runtime != "" && found.Runtime != runtime {
				return problem.New(problem.Failed, "the local cloud runs already, with the runtime %s", found.Runtime).WithNext("end it first: spawn local down")
			}
			return c.printStatus(cmd.Context(), found)
		},
	}
	cmd.Flags().StringVar(&runtime, "runtime", "", "how instances run, a `runtime`: sandbox, process or none (default: the sandbox where a trial succeeds, else process)")
	return cmd
}

func (c *Cloud) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the local cloud runs, and what is in it",
		Args:  factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := c.mustFind(cmd.Context())
			if err != nil {
				return err
			}
			return c.printStatus(cmd.Context(), found)
		},
	}
}

// mustFind is find for commands that need a cloud and do not start one.
func (c *Cloud) mustFind(ctx context.Context) (contact, error) {
	found, ok, err := c.find(ctx)
	if err == nil && !ok {
		err = problem.New(problem.NotFound, "the local cloud does not run").WithNext("start it: spawn local up")
	}
	return found, err
}

func (c *Cloud) printStatus(ctx context.Context, found contact) error {
	status, err := found.client().Status(ctx)
	if err != nil {
		return fmt.Errorf("ask the local cloud: %w", err)
	}
	runtime := found.Runtime
	if found.RuntimeWhy != "" {
		runtime += ": " + found.RuntimeWhy
	}
	return term.Pairs(c.streams, [][2]string{
		{"endpoint", found.Endpoint},
		{"runtime", runtime},
		{"instances", instancesLine(status.Instances)},
		{"up for", term.Span(time.Since(found.Started))},
		{"folder", c.dir},
	})
}

// instancesLine counts the instances by their states, in order.
func instancesLine(byState map[string]int) string {
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(byState)) {
		parts = append(parts, fmt.Sprintf("%d %s", byState[state], state))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func (c *Cloud) envCommand() *cobra.Command {
	var region string
	cmd := &cobra.Command{
		Use:     "env",
		Short:   "Print the environment that points other tools at the local cloud",
		Example: `  eval "$(spawn local env)"; aws ec2 describe-instances`,
		Args:    factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := c.mustFind(cmd.Context())
			if err != nil {
				return err
			}
			// AWS_PROFILE would win over the keys in some tools, and a
			// session token of another account would be refused. The AWS
			// command line knows the region only by its older name.
			_, err = fmt.Fprintf(c.streams.Out, "export AWS_ENDPOINT_URL=%[1]s\nexport AWS_ACCESS_KEY_ID=%[2]s\nexport AWS_SECRET_ACCESS_KEY=%[3]s\nexport AWS_REGION=%[4]s AWS_DEFAULT_REGION=%[4]s\nunset AWS_PROFILE AWS_SESSION_TOKEN\n",
				found.Endpoint, found.AccessKeyID, found.SecretAccessKey, region)
			return err
		},
	}
	cmd.Flags().StringVarP(&region, "region", "r", awsx.DefaultRegion, "the `region` that other tools shall use")
	return cmd
}

func (c *Cloud) logsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "logs",
		Short: "Print the local cloud's log",
		Args:  factory.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			log, err := os.Open(c.logFile())
			if errors.Is(err, fs.ErrNotExist) {
				return problem.New(problem.NotFound, "the local cloud has no log: it has not run").WithNext("start it: spawn local up")
			}
			if err != nil {
				return fmt.Errorf("read the local cloud's log: %w", err)
			}
			defer log.Close()
			_, err = io.Copy(c.streams.Out, log)
			return err
		},
	}
}

// downTimeout bounds the wait for the cloud to power its machines off.
const downTimeout = 60 * time.Second

func (c *Cloud) downCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the local cloud and everything in it, and leave nothing behind",
		Args:  factory.NoArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.down(cmd.Context()) },
	}
}

// down ends the cloud, waits until its process has gone, and removes its
// folder. A cloud that does not run leaves a folder to remove too.
func (c *Cloud) down(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	found, ok, err := c.find(ctx)
	if err != nil {
		return err
	}
	if ok {
		if err := found.client().Shutdown(ctx); err != nil {
			return fmt.Errorf("tell the local cloud to end: %w", err)
		}
	}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for c.locked() {
		select {
		case <-ctx.Done():
			return problem.New(problem.Failed, "the local cloud does not end").WithNext("see: spawn local logs")
		case <-ticker.C:
		}
	}
	if err := sandbox.Remove(c.dir); err != nil {
		return fmt.Errorf("remove the local cloud's folder: %w", err)
	}
	if ok {
		term.Note(c.streams, "the local cloud is gone, with everything in it")
	} else {
		term.Note(c.streams, "the local cloud does not run")
	}
	return nil
}

// locked tells whether a cloud lives in the folder.
func (c *Cloud) locked() bool {
	if _, err := os.Stat(c.dir); err != nil {
		return false
	}
	held, ok, err := c.lock()
	if err != nil || !ok {
		return err == nil
	}
	// Closing gives the lock back; nothing was written.
	_ = held.Close()
	return false
}
