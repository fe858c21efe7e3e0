// Package root puts spawn's commands together, and turns what they return into
// an exit code.
package root

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/cleanup"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/config"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/connect"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/cost"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/cp"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/doctor"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/extend"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/hibernate"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/launchcmd"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/list"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/localcmd"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/logs"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/remote"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/sshconfig"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/start"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/status"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/stop"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/terminate"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/uninstall"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/wizard"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Main runs spawn with its arguments and returns the exit code.
func Main(version string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f := &factory.Factory{Streams: term.System(), Version: version, Places: settings.DefaultPlaces()}
	f.Cloud = localcmd.NewCloud(f.Streams, f.Places.LocalCloud())
	cmd := New(f)
	cmd.SetArgs(args)
	cmd.SetOut(f.Streams.Out)
	cmd.SetErr(f.Streams.Err)
	return exitCode(f, cmd.ExecuteContext(ctx))
}

// exitCode shows the error, if there is one to show, and says how to exit.
func exitCode(f *factory.Factory, err error) int {
	var ended remote.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return ended.Code
	}
	err = awsx.Explain(err)
	term.Failure(f.Streams, "spawn", err)
	return int(problem.KindOf(err))
}

// New makes spawn's command with all others below it.
func New(f *factory.Factory) *cobra.Command {
	launchRoot := launchcmd.New(f, nil)
	cmd := &cobra.Command{
		Use:   "spawn",
		Short: "Launch EC2 instances that end by themselves",
		Long: `spawn launches an EC2 instance in one line, and the instance ends by itself:
at its deadline, whether or not this machine is on. Without any arguments, at a
terminal, it asks what you need.

  spawn
  truffle search m7i.large | spawn
  spawn --instance-type m7i.large --ttl 8h
  spawn --local --instance-type t3.micro --ttl 10m    without an AWS account`,
		Args:          onlyCommands,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case launchcmd.Asked(cmd, os.Stdin):
				return launchRoot.RunE(cmd, args)
			case f.Streams.CanAsk() || f.Streams.NoInput:
				return wizard.Start(cmd.Context(), f, cmd.Flags())
			case cmd.Flags().NFlag() > 0:
				return problem.New(problem.Usage, "what to launch is missing").WithNext("name a type with --instance-type, or ask truffle for an offer: truffle search m7i.large | spawn")
			default:
				return cmd.Help()
			}
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return problem.New(problem.Usage, "%s", strings.TrimSuffix(err.Error(), ".")).WithNext("see: %s --help", c.CommandPath())
	})
	cmd.Flags().AddFlagSet(launchRoot.Flags())
	cmd.PersistentFlags().BoolVar(&f.Streams.NoInput, "no-input", false, "never ask: where an answer is needed, fail and name the flag for it")
	cmd.AddCommand(
		launchcmd.New(f, nil), list.New(f), status.New(f), connect.New(f), cp.New(f), sshconfig.New(f),
		extend.New(f), stop.New(f), hibernate.New(f), start.New(f), terminate.New(f),
		logs.New(f), cleanup.New(f), doctor.New(f), config.New(f), cost.New(f), localcmd.New(f), uninstall.New(f), complete.Command("spawn"), newVersion(f),
	)
	completeWords(cmd, f)
	complete.Help(cmd, f.Streams)
	return cmd
}

// onlyCommands refuses an argument of the root: it is a command that does not
// exist.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := problem.New(problem.Usage, "there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return e.WithNext("did you mean: spawn %s", near[0])
	}
	return e.WithNext("see: spawn --help")
}

func newVersion(f *factory.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  factory.NoArguments,
		RunE:  func(*cobra.Command, []string) error { return f.Println("spawn " + f.Version) },
	}
}
