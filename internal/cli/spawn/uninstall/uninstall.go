// Package uninstall is "spawn uninstall".
package uninstall

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/cleanup"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/term"
)

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &cleanup.Options{Factory: f, Again: "spawn uninstall", AllRegions: true, Everything: true, Living: true}
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove all that spawn ever made in the account",
		Long: `Remove all that spawn ever made in the account, in every region: your instances,
which end at once and with their disks, whatever instances have left behind, and
what serves the next launch: security groups, networks, schedules, the bucket and
the roles. All of it is shown with what it costs a month, and you are asked. What is
deleted is listed again to prove it.

What serves other people's instances stays as long as these live. --all-owners ends
those, too. Nothing tagged spawn:keep=true is touched. An SSH key that was imported
is yours and stays; --keys deletes EC2's copy of its public half.

Programs and files on this computer stay. At the end it is said where they are.`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return uninstallRun(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.DryRun, "dry-run", false, "show what there is and change nothing")
	flags.BoolVar(&o.AllOwners, "all-owners", false, "also other people's, with their instances that live")
	flags.BoolVar(&o.Keys, "keys", false, "also the SSH keys that were imported")
	flags.StringVarP(&o.Output, "output", "o", "table", "how to show it, a `form`: table or json")
	f.AccountFlags(cmd)
	return cmd
}

func uninstallRun(ctx context.Context, o *cleanup.Options) error {
	if err := cleanup.Run(ctx, o); err != nil || o.DryRun {
		return err
	}
	tellFiles(o.Factory)
	return nil
}

// tellFiles says what spawn keeps on this computer. It may be about other
// accounts, too, so it is left to the person.
func tellFiles(f *factory.Factory) {
	if f.Global.Local {
		term.Note(f.Streams, "the local cloud itself goes with: spawn local down")
		return
	}
	var there []string
	for _, dir := range []string{f.Places.Config, f.Places.State, f.Places.Cache} {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			there = append(there, dir)
		}
	}
	if len(there) > 0 {
		term.Note(f.Streams, "on this computer spawn keeps files in %s: delete them when you need no instance of any account", strings.Join(there, ", "))
	}
}
