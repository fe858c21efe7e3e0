package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/root"
	"github.com/spawn-ec2/spawn/internal/cli/spored"
	"github.com/spawn-ec2/spawn/internal/cli/truffle"
)

// program is one of the three, as far as it tells of itself.
type program struct {
	command    *cobra.Command
	completion func(shell string) (string, error)
}

// programs are all three. Every call makes them anew, because who writes a page
// changes the texts to suit its form.
func programs() []program {
	spawn := root.New(&factory.Factory{})
	finder := truffle.New(truffle.Factory{Env: func(string) string { return "" }, Now: time.Now})
	return []program{
		{spawn, asCobra(spawn)},
		{finder, asCobra(finder)},
		{agent(), asAgent},
	}
}

func asCobra(cmd *cobra.Command) func(string) (string, error) {
	return func(shell string) (string, error) {
		var script bytes.Buffer
		err := complete.Write(cmd, shell, &script)
		return script.String(), err
	}
}

func asAgent(shell string) (string, error) {
	var script, bad bytes.Buffer
	if exit := spored.Main("", []string{"completion", shell}, &script, &bad); exit != 0 {
		return "", fmt.Errorf("spored completion %s: %s", shell, bad.String())
	}
	return script.String(), nil
}

// agent is spored, which has its commands without this library. A test holds
// them together.
func agent() *cobra.Command {
	nothing := func(*cobra.Command, []string) {}
	cmd := &cobra.Command{
		Use:   "spored",
		Short: "End the instance it runs on: at its deadline, or when it is idle",
		Long: `spored runs on an instance that spawn launched. It ends the instance at its
deadline, ends, stops or hibernates it when it is idle, and prepares for a Spot
interruption. People on the instance ask it how it stands.

Exit codes: 0 done, 1 error, 2 usage, 4 only root may, 6 the agent is not
running.`,
	}
	status := &cobra.Command{Use: "status", Short: "Show what ends the instance, when, and why not yet", Run: nothing}
	config := &cobra.Command{Use: "config", Short: "Show the policy that holds, and where each value came from", Run: nothing}
	for _, c := range []*cobra.Command{status, config} {
		c.Flags().StringP("output", "o", "text", "the `form`: text or json")
	}
	done := &cobra.Command{
		Use: "complete", Short: "The work is done: run the hooks, then terminate the instance",
		Long: `The work is done: the agent runs the hooks, then terminates the instance. Only
root may say so.`, Run: nothing,
	}
	done.Flags().String("status", "ok", "how the work ended: ok or failed")
	cmd.AddCommand(status, config, done,
		&cobra.Command{
			Use: "keepalive <duration>", Short: "Do not take the instance for idle for so long",
			Long: `The instance does not count as idle for the duration, such as 30m. Its deadline
stays as it is. Only root may say so.`, Run: nothing,
		},
		&cobra.Command{Use: "completion <shell>", Short: "Print the script for bash, zsh, fish or powershell", Run: nothing},
		&cobra.Command{Use: "version", Short: "Print the version", Run: nothing},
		&cobra.Command{Use: "run", Short: "Be the agent; systemd starts it", Run: nothing},
	)
	return cmd
}
