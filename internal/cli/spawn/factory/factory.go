// Package factory gives spawn's commands what they share: the streams, the
// user's places, the global flags, and a connection to the cloud that those
// choose.
package factory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
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
	// Shell runs a command inside an instance, or a shell when there is none,
	// and returns its exit code.
	Shell(ctx context.Context, instance string, command []string) (int, error)
}

// CloudFlags gives a command the flags that choose a cloud.
func (f *Factory) CloudFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Global.Profile, "profile", "", "the AWS `profile` to use")
	flags.StringVarP(&f.Global.Region, "region", "r", "", "the `region` to work in")
	flags.BoolVar(&f.Global.Local, "local", localByEnvironment(), "use the local cloud on this machine instead of AWS (or SPAWN_LOCAL=1)")
}

func localByEnvironment() bool {
	switch strings.ToLower(os.Getenv("SPAWN_LOCAL")) {
	case "1", "true", "yes":
		return true
	}
	return false
}

// Connect reaches the cloud that the global flags choose. region, when not
// empty, is a command's own wish and loses to --region.
func (f *Factory) Connect(ctx context.Context, region string) (*awsx.Target, error) {
	target, err := f.ConnectToLook(ctx, region)
	if err == nil {
		f.armAbandoned(ctx, target)
	}
	return target, err
}

// ConnectToLook is Connect for a command that changes nothing: not even what a
// launch that died has left open.
func (f *Factory) ConnectToLook(ctx context.Context, region string) (*awsx.Target, error) {
	o := awsx.Options{Profile: f.Global.Profile, Region: f.Global.Region}
	if o.Region == "" {
		o.Region = region
	}
	if f.Global.Local {
		if f.Global.Profile != "" {
			return nil, problem.New(problem.Usage, "--local and --profile contradict each other: the local cloud has no profiles")
		}
		local, err := f.Cloud.Ensure(ctx)
		if err != nil {
			return nil, err
		}
		o.Local = &local
	}
	return awsx.Connect(ctx, o)
}

// Find reaches the cloud and the one instance in it that a person means by a
// name or an id.
func (f *Factory) Find(ctx context.Context, nameOrID string) (*awsx.Target, instance.Instance, error) {
	target, err := f.Connect(ctx, "")
	if err != nil {
		return nil, instance.Instance{}, err
	}
	in, err := instance.Find(ctx, target.EC2(), nameOrID)
	return target, in, err
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
	return problem.New(problem.Usage, "%s is %s, not %q", flag, strings.Join(allowed, " or "), value)
}

// Println writes data to standard output.
func (f *Factory) Println(args ...any) error {
	_, err := fmt.Fprintln(f.Streams.Out, args...)
	return err
}
