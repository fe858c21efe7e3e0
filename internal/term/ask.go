package term

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Confirm asks a question whose answer is yes or no; no is the default and an
// error of kind Interrupted, and so is an interrupt while it waits. Where nobody
// can answer, it is an error of kind Usage: nothing is ever deleted because a
// pipe had no eyes.
func Confirm(s Streams, question string) error {
	if !s.CanAsk() {
		return problem.New(problem.Usage, "this needs a yes: %s", question).WithNext("say so with --yes")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Fprint(s.Err, strings.Join(hung(s.errColumns(), 0, 0, question+" [y/N] "), "\n"))
	answer, err := readLine(ctx, s.In)
	if err != nil {
		fmt.Fprintln(s.Err)
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return problem.New(problem.Interrupted, "nothing was done")
}
