package term

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Confirm asks a question whose answer is yes or no; no is the default and an
// error of kind Interrupted. Where nobody can answer, it is an error of kind
// Usage: nothing is ever deleted because a pipe had no eyes.
func Confirm(s Streams, question string) error {
	if !s.InTTY || !s.ErrTTY {
		return problem.New(problem.Usage, "this needs a yes: %s", question).WithNext("say so with --yes")
	}
	fmt.Fprintf(s.Err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(s.In).ReadString('\n')
	if err != nil && answer == "" {
		fmt.Fprintln(s.Err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return problem.New(problem.Interrupted, "nothing was done")
}
