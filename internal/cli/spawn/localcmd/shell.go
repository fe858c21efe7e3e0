package localcmd

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Shell runs a command inside an instance of the local cloud, or a shell when
// there is none, with the terminal when this program has one.
func (c *Cloud) Shell(ctx context.Context, instance string, command []string) (int, error) {
	found, err := c.mustFind(ctx)
	if err != nil {
		return 0, err
	}
	inside := runtime.Command{Args: command, Env: terminalEnv(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if stdin := int(os.Stdin.Fd()); term.IsTerminal(stdin) && term.IsTerminal(int(os.Stdout.Fd())) {
		inside.TTY = true
		if columns, rows, err := term.GetSize(stdin); err == nil {
			inside.Cols, inside.Rows = columns, rows
		}
		state, err := term.MakeRaw(stdin)
		if err != nil {
			return 0, err
		}
		defer term.Restore(stdin, state) //nolint:errcheck // nothing better can be done with a terminal that is gone
		sizes, stop := watchSize(stdin)
		defer stop()
		inside.Resize = sizes
	}
	return found.exec(ctx, instance, inside)
}

// Pipe runs a command inside an instance of the local cloud between two streams.
func (c *Cloud) Pipe(ctx context.Context, instance string, command []string, in io.Reader, out io.Writer) (int, error) {
	found, err := c.mustFind(ctx)
	if err != nil {
		return 0, err
	}
	return found.exec(ctx, instance, runtime.Command{Args: command, Stdin: in, Stdout: out, Stderr: c.streams.Err})
}

func (c contact) exec(ctx context.Context, instance string, command runtime.Command) (int, error) {
	code, err := c.client().Exec(ctx, instance, command)
	if errors.Is(err, runtime.ErrNoInside) {
		return 0, problem.New(problem.Failed, "an instance of the runtime %s has no inside to enter", c.Runtime)
	}
	return code, err
}

// terminalEnv is what a command inside has to know of the terminal here. An
// instance shows the host's own terminal descriptions.
func terminalEnv() (env []string) {
	for _, name := range []string{"TERM", "COLORTERM"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}
