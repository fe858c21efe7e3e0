// Package config is "spawn config".
package config

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// New makes the command with its subcommands.
func New(f *factory.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "What holds when you do not say otherwise: region, lives, price limit",
		Long: `Show or change what holds when you do not say otherwise. A flag wins over the
environment (SPAWN_TTL and so on), the environment over what is set here.`,
		Example: `  spawn config set ttl 4h
  spawn config set max-price 2.50
  spawn config`,
		Args: factory.NoArguments,
		RunE: func(*cobra.Command, []string) error { return listRun(f, "table") },
	}
	cmd.AddCommand(listCommand(f), getCommand(f), setCommand(f), unsetCommand(f))
	return cmd
}

func listCommand(f *factory.Factory) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show all settings, and who chose them",
		Args:  factory.NoArguments,
		RunE:  func(*cobra.Command, []string) error { return listRun(f, output) },
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "how to show them, a `form`: "+form.Alternatives(form.All()))
	return cmd
}

func getCommand(f *factory.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "get <setting>",
		Short: "Show the value of one",
		Args:  arguments(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := f.Config()
			if err != nil {
				return err
			}
			chosen, err := c.Get(settings.Key(args[0]))
			if err != nil {
				return err
			}
			if chosen.Value == "" {
				return problem.New(problem.NotFound, "%s is not set", args[0]).WithNext("set it with: spawn config set %s VALUE", args[0])
			}
			return f.Println(chosen.Value)
		},
	}
}

func setCommand(f *factory.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "set <setting> <value>",
		Short: "Set one",
		Args:  arguments(2),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := f.Config()
			if err != nil {
				return err
			}
			return c.Set(settings.Key(args[0]), args[1])
		},
	}
}

func unsetCommand(f *factory.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "unset <setting>",
		Short: "Let the default hold again",
		Args:  arguments(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := f.Config()
			var known *problem.Error
			if err != nil && !errors.As(err, &known) {
				return err
			}
			// What is not understood can be taken out.
			return c.Unset(settings.Key(args[0]))
		},
	}
}

func arguments(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return problem.New(problem.Usage, "%s got %d arguments", cmd.CommandPath(), len(args)).WithNext("usage: %s", cmd.UseLine())
	}
}

// record is a setting as data. A value that nobody chose is null.
type record struct {
	Key   settings.Key `json:"setting"`
	Value *string      `json:"value"`
	From  string       `json:"from,omitempty"`
	What  string       `json:"what"`
}

func listRun(f *factory.Factory, output string) error {
	as, err := form.Parse(output, true, form.Table)
	if err != nil {
		return err
	}
	c, err := f.Config()
	if err != nil {
		return err
	}
	text := func(title string) form.Column { return form.Column{Column: term.Column{Title: title}} }
	prose := func(title string, spare int) form.Column {
		return form.Column{Column: term.Column{Title: title, Fold: true, Spare: spare}}
	}
	v := form.View[record]{Columns: []form.Column{text("SETTING"), prose("VALUE", 0), prose("FROM", 1), prose("WHAT IT IS", 2)}}
	for _, s := range settings.All() {
		chosen, err := c.Get(s.Key)
		if err != nil {
			return err
		}
		r, value, from := record{Key: s.Key, From: chosen.From, What: s.What}, s.Default, "the default"
		if chosen.Value != "" {
			r.Value, value, from = &chosen.Value, chosen.Value, chosen.From
		}
		v.Records = append(v.Records, r)
		v.Cells = append(v.Cells, []string{string(s.Key), value, from, s.What})
	}
	return v.Write(f.Streams, as)
}
