package wizard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/launchcmd"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/picker"
)

// Start asks at the terminal, and launches what is wanted. flags are those of
// the command that was typed; what they say is taken along.
func Start(ctx context.Context, f *factory.Factory, flags *pflag.FlagSet) error {
	if !f.Streams.CanAsk() {
		return problem.New(problem.Usage, "what to launch was not said, and nobody can be asked").
			WithNext("say it by flags: spawn launch --instance-type m7i.large --ttl 8h")
	}
	world, err := look(f)
	if err != nil {
		return err
	}
	outcome, err := Run(ctx, terminal{f.Streams}, world, given(flags))
	if err != nil || !outcome.Launch {
		return err
	}
	return launchcmd.Execute(ctx, f, outcome.Args)
}

// given are the flags that were said, but for those that are asked about with
// what was said as the first answer.
func given(flags *pflag.FlagSet) []string {
	var args []string
	flags.Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "local", "region", "no-input":
		default:
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	return args
}

// look finds out what there is to know of this machine without asking anybody.
func look(f *factory.Factory) (World, error) {
	setup := awsx.Setup{}
	if !f.Global.Local {
		var err error
		if setup, err = awsx.ReadSetup(os.Getenv, f.Global.Profile); err != nil {
			return World{}, err
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return World{}, problem.New(problem.Failed, "your home folder is not known: %w", err).WithNext("set HOME")
	}
	first := func(names ...string) string {
		for _, name := range names {
			if name != "" {
				return name
			}
		}
		return awsx.DefaultRegion
	}
	config, err := f.Config()
	if err != nil {
		return World{}, err
	}
	ceiling, err := config.Ceiling()
	if err != nil {
		return World{}, err
	}
	return World{
		Region: first(f.Global.Region, setup.Region), LocalRegion: first(f.Global.Region),
		Local: f.Global.Local, Credentials: setup.Credentials,
		Key: func(ctx context.Context) (string, error) { return keyOf(ctx, home) },
		Plan: func(ctx context.Context, args []string) (launch.Plan, error) {
			return launchcmd.Sketch(ctx, f, args)
		},
		Ceiling: ceiling,
		Now:     time.Now,
	}, nil
}

func keyOf(ctx context.Context, home string) (string, error) {
	key, err := sshx.FindKey(home, func() ([]sshx.Key, error) { return sshx.AgentKeys(ctx) })
	var none *sshx.NoKeyError
	if errors.As(err, &none) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return key.Where(), nil
}

// terminal asks at a terminal, as wide as it is at the moment: in place where
// that can be, else in lines.
type terminal struct{ streams term.Streams }

func (t terminal) Choose(ctx context.Context, c term.Choice) (int, error) {
	s := t.streams.Measured()
	if picker.Suits(s) {
		return picker.Choose(ctx, s, c)
	}
	return term.Choose(ctx, s, c)
}

func (t terminal) Fill(ctx context.Context, b term.Blank) (string, error) {
	s := t.streams.Measured()
	if picker.Suits(s) {
		return picker.Fill(ctx, s, b)
	}
	return term.Fill(ctx, s, b)
}

func (t terminal) Say(text string)        { term.Say(t.streams.Measured(), text) }
func (t terminal) Show(facts [][2]string) { term.Facts(t.streams.Measured(), facts) }
func (t terminal) Command(text string)    { fmt.Fprintln(t.streams.Err, "  "+text) }
