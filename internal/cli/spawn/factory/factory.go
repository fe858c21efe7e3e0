// Package factory gives spawn's commands what they share: the streams, the
// user's places, the global flags, and a connection to the cloud that those
// choose.
package factory

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// Factory is made once, by main.
type Factory struct {
	Streams term.Streams
	Version string
	Places  settings.Places
	Global  Global
	Cloud   LocalCloud // the local cloud, used with --local
}

// Global are the flags of every command that reaches a cloud.
type Global struct {
	Profile string
	Region  string
	Local   bool
}

// LocalCloud is what commands need of the local cloud.
type LocalCloud interface {
	// Ensure starts the local cloud if need be and tells where it is.
	Ensure(ctx context.Context) (awsx.Local, error)
	// Runtime tells, by trying, how instances would boot, and why they would not
	// boot fully; "" when they do.
	Runtime(ctx context.Context) (name, why string, err error)
	// Shell runs a command inside an instance, or a shell when there is none,
	// and returns its exit code.
	Shell(ctx context.Context, instance string, command []string) (int, error)
	// Pipe runs a command inside an instance between two streams, and returns
	// its exit code. What it says beside goes to the program's standard error.
	Pipe(ctx context.Context, instance string, command []string, in io.Reader, out io.Writer) (int, error)
}

// CloudFlags gives a command the flags that choose a cloud.
func (f *Factory) CloudFlags(cmd *cobra.Command) { f.cloudFlags(cmd, "r") }

// CloudFlagsLong are those of CloudFlags without a letter for the region, for a
// command to which -r means what it means to its like.
func (f *Factory) CloudFlagsLong(cmd *cobra.Command) { f.cloudFlags(cmd, "") }

func (f *Factory) cloudFlags(cmd *cobra.Command, regionLetter string) {
	f.AccountFlags(cmd)
	cmd.Flags().StringVarP(&f.Global.Region, "region", regionLetter, "", "the `region` to work in")
}

// AccountFlags are those of CloudFlags for a command that works in every region.
func (f *Factory) AccountFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Global.Profile, "profile", "", "the AWS `profile` to use")
	flags.BoolVar(&f.Global.Local, "local", settings.LocalByEnvironment(), "use the local cloud on this machine instead of AWS (or SPAWN_LOCAL=1)")
}

// Connect reaches the cloud that the global flags choose, and completes what a
// launch left undone. region, when not empty, is a command's own wish and loses
// to --region.
func (f *Factory) Connect(ctx context.Context, region string) (*awsx.Target, error) {
	target, err := f.Reach(ctx, region)
	if err == nil {
		f.finishAbandoned(ctx, target)
	}
	return target, err
}

// Reach is Connect for who changes nothing.
func (f *Factory) Reach(ctx context.Context, region string) (*awsx.Target, error) {
	o := awsx.Options{Profile: f.Global.Profile, Region: f.Global.Region}
	if o.Region == "" {
		o.Region = region
	}
	if o.Region == "" {
		configured, err := f.configuredRegion()
		if err != nil {
			return nil, err
		}
		o.Region = configured
	}
	if f.Global.Local {
		if f.Global.Profile != "" {
			return nil, problem.New(problem.Usage, "--local and --profile contradict each other: the local cloud has no profiles")
		}
		done := f.Streams.Wait("starting the local cloud")
		local, err := f.Cloud.Ensure(ctx)
		done()
		if err != nil {
			return nil, err
		}
		o.Local = &local
	}
	defer f.Streams.Wait("signing in")()
	return awsx.Connect(ctx, o)
}

// Config is what the user configured.
func (f *Factory) Config() (settings.Config, error) {
	return settings.LoadConfig(f.Places.ConfigFile())
}

// configuredRegion is the region by SPAWN_REGION, or by the configuration's file
// if the AWS tools' variables name none: the environment wins over a file. The
// local cloud does not look at those.
func (f *Factory) configuredRegion() (string, error) {
	c, err := f.Config()
	if err != nil {
		return "", err
	}
	chosen, err := c.Get(settings.Region)
	byAWS := os.Getenv("AWS_REGION") != "" || os.Getenv("AWS_DEFAULT_REGION") != ""
	if err != nil || chosen.From == f.Places.ConfigFile() && byAWS && !f.Global.Local {
		return "", err
	}
	return chosen.Value, nil
}

// Find reaches the cloud and the one instance in it that a person means by a
// name or an id: in the region that --region names, else wherever it is. The
// target is then that region's.
func (f *Factory) Find(ctx context.Context, nameOrID string) (*awsx.Target, instance.Instance, error) {
	target, all, unseen, err := f.List(ctx)
	if err != nil {
		return target, instance.Instance{}, err
	}
	found, err := instance.Find(all, nameOrID)
	if err != nil {
		return target, instance.Instance{}, withUnseen(err, unseen)
	}
	return target.In(found.Region), found.Instance, nil
}

// List reaches the cloud and lists what spawn made: in the region that --region
// names, else in all that an account of this kind can have. Regions that could
// not be looked at are told beside; it is an error when none could.
func (f *Factory) List(ctx context.Context) (*awsx.Target, []instance.Placed, []instance.Unseen, error) {
	target, err := f.Connect(ctx, "")
	if err != nil {
		return nil, nil, nil, err
	}
	all, unseen, err := f.Look(ctx, target)
	return target, all, unseen, err
}

// Look is List for a cloud that was reached before.
func (f *Factory) Look(ctx context.Context, target *awsx.Target) ([]instance.Placed, []instance.Unseen, error) {
	regions := f.regions(target)
	where := target.Region
	if len(regions) > 1 {
		where = fmt.Sprintf("%d regions", len(regions))
	}
	defer f.Streams.Wait("looking for instances in %s", where)()
	all, unseen := f.Glance(ctx, target)
	if len(unseen) == len(regions) {
		return nil, nil, unseen[0].Err
	}
	return all, unseen, nil
}

// Glance is Look without a word: what can be seen of the same regions, and which
// cannot.
func (f *Factory) Glance(ctx context.Context, target *awsx.Target) ([]instance.Placed, []instance.Unseen) {
	return instance.ListIn(ctx, f.regions(target), func(region string) instance.Describer { return target.EC2In(region) })
}

// regions are the one that --region names, else all, the target's first.
func (f *Factory) regions(target *awsx.Target) []string {
	if f.Global.Region != "" {
		return []string{target.Region}
	}
	return market.FirstOf(target.Region, market.Partition(target.Region))
}

// withUnseen says beside that nothing was found where nobody could look.
func withUnseen(err error, unseen []instance.Unseen) error {
	if problem.KindOf(err) != problem.NotFound || len(unseen) == 0 {
		return err
	}
	names := make([]string, len(unseen))
	for i, u := range unseen {
		names[i] = u.Region
	}
	return problem.New(problem.NotFound, "%w; not looked at: %s (%w)", err, strings.Join(names, ", "), unseen[0].Err).
		WithNext("name its region: --region")
}

// StateFor is where spawn keeps what belongs to a target. What belongs to the
// local cloud goes away with it.
func (f *Factory) StateFor(t *awsx.Target) settings.Places {
	if t.Local {
		client := filepath.Join(f.Places.LocalCloud(), "client")
		return settings.Places{State: client, Cache: filepath.Join(client, "cache")}
	}
	return f.Places
}

// OneName is a cobra argument rule: exactly one name or id.
func OneName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return problem.New(problem.Usage, "%s takes one instance, by name or id, and got %d", cmd.CommandPath(), len(args)).
		WithNext("usage: %s", cmd.UseLine())
}

// NoArguments is a cobra argument rule: none.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return problem.New(problem.Usage, "%s takes no arguments and got %q", cmd.CommandPath(), args[0]).
		WithNext("see: %s --help", cmd.CommandPath())
}

// OneOf refuses a flag's value that is none of those allowed.
func OneOf(flag, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return problem.New(problem.Usage, "there is no %s %q", flag, value).WithNext("use %s %s", flag, form.Alternatives(allowed))
}

// Println writes data to standard output.
func (f *Factory) Println(args ...any) error {
	_, err := fmt.Fprintln(f.Streams.Out, args...)
	return err
}

// Print writes data to standard output as it is.
func (f *Factory) Print(text string) error {
	_, err := fmt.Fprint(f.Streams.Out, text)
	return err
}
