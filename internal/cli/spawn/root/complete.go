package root

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/settings"
)

// completionTimeout is how long a person who pressed the tab key may wait for
// the names of instances.
const completionTimeout = 2 * time.Second

// completeWords lets shells complete the names of instances and what flags
// take, in every command: by the flag's name, and for arguments by what the
// command's usage calls an instance. What a command completes by itself stays.
func completeWords(cmd *cobra.Command, f *factory.Factory) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if _, own := cmd.GetFlagCompletionFunc(flag.Name); own {
			return
		}
		if words := wordsOf(flag); words != nil {
			if err := cmd.RegisterFlagCompletionFunc(flag.Name, words); err != nil {
				panic("spawn: " + err.Error()) // a flag twice, which every start would show
			}
		}
	})
	switch {
	case cmd.ValidArgsFunction != nil || len(cmd.ValidArgs) > 0:
	case strings.Contains(cmd.Use, "<name|id>"):
		cmd.ValidArgsFunction = names(f)
	case !cmd.HasSubCommands():
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range cmd.Commands() {
		completeWords(sub, f)
	}
}

// wordsOf is what a flag takes, or nil where files may be meant or nothing is
// known. A flag that takes anything gets no files offered.
func wordsOf(flag *pflag.Flag) cobra.CompletionFunc {
	switch flag.Name {
	case "instance-type":
		return complete.Types
	case "region":
		return complete.Regions
	case "ami":
		return cobra.FixedCompletions(launch.Aliases(), cobra.ShellCompDirectiveNoFileComp)
	case "idle-action":
		return fixed(lifecycle.Terminate, lifecycle.Stop, lifecycle.Hibernate)
	case "volume-type":
		return fixed("gp3", "gp2")
	case "runtime":
		return fixed("sandbox", "process", "none")
	case "output":
		return cobra.FixedCompletions(listed(flag.Usage), cobra.ShellCompDirectiveNoFileComp)
	case "user-data", "dir":
		return nil
	default:
		return cobra.NoFileCompletions
	}
}

func fixed[T ~string](words ...T) cobra.CompletionFunc {
	plain := make([]string, len(words))
	for i, word := range words {
		plain[i] = string(word)
	}
	return cobra.FixedCompletions(plain, cobra.ShellCompDirectiveNoFileComp)
}

// listed are the words that a flag's help ends with: "a `form`: text or json".
// Every command has forms of its own, and tells them nowhere else.
func listed(help string) []string {
	_, list, found := strings.Cut(help, "`: ")
	if !found {
		return nil
	}
	list, _, _ = strings.Cut(list, " (")
	return slices.DeleteFunc(strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' }), func(word string) bool { return word == "or" })
}

// names completes the name or the id of an instance. It says nothing on any
// error, because there is a half-written line on the screen.
func names(f *factory.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		found, err := known(ctx, f)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []cobra.Completion
		for _, in := range found {
			word := in.Name
			if word == "" || strings.HasPrefix(begun, "i-") {
				word = in.ID
			}
			if !in.State.Ended() && strings.HasPrefix(word, begun) {
				words = append(words, cobra.CompletionWithDesc(word, in.Type+", "+string(in.State)+", "+in.Region))
			}
		}
		slices.Sort(words)
		return slices.Compact(words), cobra.ShellCompDirectiveNoFileComp
	}
}

// known are the instances of the cloud that the flags before the word choose.
// A local cloud is not started for it, and nothing is done for launches that
// were cut short: the tab key changes nothing.
func known(ctx context.Context, f *factory.Factory) ([]instance.Placed, error) {
	o := awsx.Options{Profile: f.Global.Profile, Region: f.Global.Region}
	if f.Global.Local {
		contact, ok, err := settings.ReadLocalContact(f.Places.LocalCloud())
		if err != nil || !ok {
			return nil, err
		}
		o.Local = &awsx.Local{Endpoint: contact.Endpoint, AccessKeyID: contact.AccessKeyID, SecretAccessKey: contact.SecretAccessKey}
	}
	target, err := awsx.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	found, _ := f.Glance(ctx, target) // what can be seen in time is offered
	return found, nil
}
