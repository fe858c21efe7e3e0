package spored

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/control"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// asker asks the agent of this machine for a person.
type asker struct {
	client         control.Client
	stdout, stderr io.Writer
}

// ask carries out a command that speaks with the agent, and returns its exit
// code.
func (a asker) ask(command string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch command {
	case "status":
		err = a.status(ctx, args)
	case "config":
		err = a.config(ctx, args)
	case "complete":
		err = a.complete(ctx, args)
	case "keepalive":
		err = a.keepalive(ctx, args)
	}
	if err == nil {
		return 0
	}
	// There is nobody left to tell if this fails.
	_, _ = fmt.Fprintf(a.stderr, "spored: %v\n", err)
	if next := problem.NextOf(err); next != "" {
		_, _ = fmt.Fprintf(a.stderr, "  next: %s\n", next)
	}
	return int(problem.KindOf(err))
}

func (a asker) status(ctx context.Context, args []string) error {
	asJSON, err := readOutput("status", args)
	if err != nil {
		return err
	}
	status, err := a.client.Status(ctx)
	switch {
	case err != nil:
		return err
	case asJSON:
		return writeJSON(a.stdout, status)
	default:
		return writeText(a.stdout, statusText(status))
	}
}

func (a asker) config(ctx context.Context, args []string) error {
	asJSON, err := readOutput("config", args)
	if err != nil {
		return err
	}
	config, err := a.client.Config(ctx)
	switch {
	case err != nil:
		return err
	case asJSON:
		return writeJSON(a.stdout, config)
	default:
		return writeText(a.stdout, configText(config))
	}
}

func (a asker) complete(ctx context.Context, args []string) error {
	flags := newFlags("complete")
	status := flags.String("status", "ok", "")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	if *status != "ok" && *status != "failed" {
		return problem.New(problem.Usage, "there is no --status %q", *status).WithNext("%s", usageOf("complete"))
	}
	if err := a.client.Complete(ctx, *status); err != nil {
		return err
	}
	return writeText(a.stdout, "The agent knows that the work is done ("+*status+"): it runs the hooks, then this instance is terminated.\n")
}

func (a asker) keepalive(ctx context.Context, args []string) error {
	flags := newFlags("keepalive")
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	if _, err := lifecycle.ParseDuration(flags.Arg(0)); err != nil {
		return problem.New(problem.Usage, "keep alive: %w", err).WithNext("%s", usageOf("keepalive"))
	}
	until, err := a.client.Keepalive(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	return writeText(a.stdout, "This instance does not count as idle before "+until.UTC().Format(time.RFC3339)+". Its deadline stays as it is.\n")
}

// newFlags are the flags of a command. It says nothing by itself: an error is
// shown once, by ask.
func newFlags(command string) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parse reads flags, before and after arguments, of which there must be so
// many.
func parse(flags *flag.FlagSet, args []string, arguments int) error {
	err := flags.Parse(args)
	switch {
	case err != nil:
		err = problem.New(problem.Usage, "%s: %w", flags.Name(), err).WithNext("%s", usageOf(flags.Name()))
	case flags.NArg() != arguments:
		err = problem.New(problem.Usage, "%s takes %d arguments, not %d", flags.Name(), arguments, flags.NArg()).WithNext("%s", usageOf(flags.Name()))
	}
	return err
}

// usageOf is how a command is written; "" where there is none of that name.
func usageOf(command string) string {
	switch command {
	case "status", "config":
		return "spored " + command + " [-o text|json]"
	case "complete":
		return "spored complete [--status ok|failed]"
	case "keepalive":
		return "spored keepalive DURATION, such as 30m"
	case "completion":
		return "spored completion bash|zsh|fish|powershell"
	case "version", "run":
		return "spored " + command
	default:
		return ""
	}
}

// readOutput reads the one flag of the commands that show something.
func readOutput(command string, args []string) (asJSON bool, err error) {
	flags := newFlags(command)
	var output string
	flags.StringVar(&output, "o", "text", "")
	flags.StringVar(&output, "output", "text", "")
	if err := parse(flags, args, 0); err != nil {
		return false, err
	}
	switch output {
	case "text":
		return false, nil
	case "json":
		return true, nil
	default:
		return false, problem.New(problem.Usage, "there is no output %q", output).WithNext("%s", usageOf(command))
	}
}

func writeJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeText(w, string(b)+"\n")
}

func writeText(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
