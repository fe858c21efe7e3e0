// Package logs is "spawn logs".
package logs

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/remote"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Name    string
	Agent   bool
	Boot    bool
	Console bool
	Follow  bool
}

// The logs on an instance, and what is in them.
const (
	userLog  = "/var/log/spawn-user-data.log"   // what the user's scripts said
	agentLog = "/var/log/spored.log"            // the agent's
	bootLog  = "/var/log/cloud-init-output.log" // of the whole boot
)

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "logs <name|id>",
		Short: "Show what the user-data script said, or the agent, the boot or the console",
		Long: `Show what the script in an instance's user-data said and how it ended. With
--agent, --boot or --console it is another log; the console's is EC2's and needs
no way to the instance, which is how to see why one does not boot.`,
		Args: factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return logsRun(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.Agent, "agent", false, "show the agent's log")
	flags.BoolVar(&o.Boot, "boot", false, "show the log of the boot")
	flags.BoolVar(&o.Console, "console", false, "show the console, as EC2 keeps it: its last 64 KB")
	flags.BoolVarP(&o.Follow, "follow", "f", false, "go on showing what is added")
	cmd.MarkFlagsMutuallyExclusive("agent", "boot", "console")
	cmd.MarkFlagsMutuallyExclusive("follow", "console")
	f.CloudFlags(cmd)
	return cmd
}

func logsRun(ctx context.Context, o *Options) error {
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	if o.Console {
		return o.console(ctx, target, in)
	}
	return remote.Run(ctx, o.Factory, target, in, remote.Session{Command: o.command()})
}

// command shows a log that may not be there. Some are root's.
func (o *Options) command() []string {
	file, missing := userLog, "there is no script in its user-data, or it has not begun"
	switch {
	case o.Agent:
		file, missing = agentLog, "the agent has written none"
	case o.Boot:
		file, missing = bootLog, "this image keeps none"
	}
	show := "cat"
	if o.Follow {
		show = "tail -n +1 -F"
	}
	script := fmt.Sprintf(`as=; [ "$(id -u)" = 0 ] || as="sudo -n"
if ! $as test -e %[1]s; then echo "%[1]s is not there: %[2]s" >&2; exit %[3]d; fi
exec $as %[4]s %[1]s`, file, missing, int(problem.NotFound), show)
	return []string{"sh", "-c", script}
}

// console shows what EC2 kept of the serial console.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
func (o *Options) console(ctx context.Context, t *awsx.Target, in instance.Instance) error {
	done := o.Factory.Streams.Wait("reading the console")
	out, err := t.EC2().GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: aws.String(in.ID)})
	done()
	if err != nil {
		return fmt.Errorf("read the console of %s: %w", in.Label(), err)
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.Output))
	if err != nil {
		return fmt.Errorf("read the console of %s: %w", in.Label(), err)
	}
	if len(text) == 0 {
		return problem.New(problem.NotFound, "EC2 has kept nothing of the console of %s yet", in.Label()).WithNext("look again in a few minutes")
	}
	if out.Timestamp != nil {
		term.Note(o.Factory.Streams, "as of %s", term.Moment(*out.Timestamp, t.Clock.Now()))
	}
	return o.Factory.Println(strings.TrimRight(string(text), "\n"))
}
