// Package truffle is the command line of truffle, which finds instance types
// and hands them to spawn. A command turns flags into options, asks internal/find
// and renders the answer: as a table for eyes, as offers for a pipe.
//
// Standard output carries the answer and nothing else; where prices come from
// and what is missing goes to standard error. The package exits nowhere and
// reads no environment but through what it is given.
package truffle

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Factory is what the commands are built from.
type Factory struct {
	Streams term.Streams
	Version string
	Env     func(name string) string // as os.Getenv
	Now     func() time.Time         // as time.Now
	Places  settings.Places
}

// New returns the root command.
func New(f Factory) *cobra.Command {
	root := &cobra.Command{
		Use:   "truffle",
		Short: "Find the right EC2 instance type",
		Long: `truffle finds EC2 instance types, with or without an AWS account, and hands
what it found to spawn:

  truffle search m7i.large | spawn`,
		Args:          onlyCommands,
		SilenceErrors: true, // main says it once, with the next step
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetOut(f.Streams.Out)
	root.SetErr(f.Streams.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return problem.New(problem.Usage, "%w", err).WithNext("see %s --help", cmd.CommandPath())
	})
	root.AddCommand(newSearch(f, nil), newFind(f, nil), newDescribe(f, nil), newCompare(f, nil), newSpot(f, nil), newCapacity(f, nil), newAZ(f, nil), newRegions(f, nil), newVersion(f), complete.Command("truffle"))
	complete.Help(root, f.Streams)
	return root
}

// onlyCommands refuses arguments of the root command: they are a command that
// does not exist, or an instance type without its verb.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := problem.New(problem.Usage, "there is no command %q", args[0])
	if strings.Contains(args[0], ".") {
		return e.WithNext("to look for it: truffle search %s", args[0])
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return e.WithNext("did you mean truffle %s?", near[0])
	}
	return e.WithNext("see truffle --help")
}

// noArguments refuses arguments of a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return problem.New(problem.Usage, "%s takes no arguments, but got %q", cmd.CommandPath(), args[0]).
		WithNext("see %s --help", cmd.CommandPath())
}

// Main runs truffle with its arguments and returns the exit code. An interrupt
// ends what is under way.
func Main(version string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	streams := term.System()
	root := New(Factory{Streams: streams, Version: version, Env: os.Getenv, Now: time.Now, Places: settings.DefaultPlaces()})
	root.SetArgs(args)
	return Report(streams, root.ExecuteContext(ctx))
}

// Report shows an error, if there is one to show, and returns the exit code.
func Report(s term.Streams, err error) int {
	if err == nil {
		return 0
	}
	err = awsx.Explain(err)
	term.Failure(s, "truffle", err)
	return int(problem.KindOf(err))
}
