// Package cp is "spawn cp".
package cp

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/remote"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// Options are what the command line says.
type Options struct {
	Factory   *factory.Factory
	Paths     []string // sources, and the destination last
	Recursive bool
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "cp <source>... <destination>",
		Short: "Copy files to an instance or from it",
		Long: `Copy files to an instance or from it. A path there is written as the name or id
of the instance, a colon and the path; one that does not begin with a slash is in
the home folder of who logs in. A path here that has a colon is written ./like:this.`,
		Example: `  spawn cp train.py data.csv dev-box:
  spawn cp -r dev-box:results .`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) >= 2 {
				return nil
			}
			return problem.New(problem.Usage, "%s takes what to copy, and where to", cmd.CommandPath()).WithNext("usage: %s", cmd.UseLine())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths = args
			return cpRun(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVarP(&o.Recursive, "recursive", "r", false, "copy folders with all that is in them")
	f.CloudFlagsLong(cmd)
	return cmd
}

func cpRun(ctx context.Context, o *Options) error {
	t, err := parse(o.Paths)
	if err != nil {
		return err
	}
	t.recursive = o.Recursive
	target, in, err := o.Factory.Find(ctx, t.instance)
	if err != nil {
		return err
	}
	if in.State != lifecycle.StateRunning {
		return problem.New(problem.Failed, "%s is %s", in.Label(), in.State)
	}
	if target.Local {
		return t.inside(ctx, o.Factory.Cloud, in.ID)
	}
	return t.byScp(ctx, o.Factory, target, in)
}

// transfer is what is copied where.
type transfer struct {
	instance  string // its name or id
	upload    bool
	recursive bool
	sources   []string
	to        string
}

// parse finds out on which side the instance is. There is one, on one side.
func parse(paths []string) (transfer, error) {
	last := len(paths) - 1
	var t transfer
	var there int // how many sources are on an instance
	for _, p := range paths[:last] {
		name, path, remote := split(p)
		if remote {
			there++
			if t.instance != "" && t.instance != name {
				return t, problem.New(problem.Usage, "one instance at a time: %s is on %s and not on %s", p, name, t.instance)
			}
			t.instance = name
		}
		t.sources = append(t.sources, path)
	}
	name, path, upload := split(paths[last])
	t.to, t.upload = path, upload
	switch {
	case upload && there > 0:
		return t, problem.New(problem.Usage, "between two instances nothing is copied").WithNext("copy it here first")
	case !upload && there < last:
		return t, problem.New(problem.Usage, "which path is on an instance is not clear").WithNext("write that as NAME:path, on one side: spawn cp file NAME:")
	case upload:
		t.instance = name
	}
	if t.instance == "" {
		return t, problem.New(problem.Usage, "a path has a colon and no instance before it").WithNext("write NAME:path, or ./like:this for a file here")
	}
	return t, nil
}

// split reads NAME:path, where the name has no slash; anything else is a path
// here. A letter and a colon are a drive of Windows.
func split(text string) (name, path string, remote bool) {
	name, path, found := strings.Cut(text, ":")
	if !found || strings.ContainsAny(name, `/\`) || len(name) == 1 && os.PathSeparator == '\\' {
		return "", text, false
	}
	return name, path, true
}

func (t transfer) byScp(ctx context.Context, f *factory.Factory, target *awsx.Target, in instance.Instance) error {
	there, err := remote.Destination(ctx, f, target, in)
	if err != nil {
		return err
	}
	var paths []string
	for _, s := range t.sources {
		if t.upload {
			paths = append(paths, sshx.LocalPath(s))
		} else {
			paths = append(paths, there.Path(s))
		}
	}
	if t.upload {
		paths = append(paths, there.Path(t.to))
	} else {
		paths = append(paths, sshx.LocalPath(t.to))
	}
	code, err := sshx.Run(ctx, "scp", sshx.CopyArgs(there, t.recursive, paths...), sshx.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	if err != nil || code == 0 {
		return err
	}
	return remote.ExitError{Code: code}
}
