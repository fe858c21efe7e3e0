package localcmd

import (
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/agent/run"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/local/runtime/process"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
)

// initCommand is what a sandbox runs as its first process.
func initCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "init",
		Short:  "Be the first process of a sandbox",
		Hidden: true,
		Args:   factory.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			sandbox.Main()
			return nil
		},
	}
}

// agentCommand is an instance of the process runtime: the agent alone, which
// ends the instance by ending itself, ends with its cloud, and touches nothing
// of the machine.
func agentCommand(f *factory.Factory) *cobra.Command {
	return &cobra.Command{
		Use:    "agent",
		Short:  "Be an instance of the process runtime",
		Hidden: true,
		Args:   factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			process.EndWithCloud(os.Stdin)
			log := slog.New(slog.NewTextHandler(os.Stderr, nil))
			return run.AsProcess(cmd.Context(), log, f.Version)
		},
	}
}
