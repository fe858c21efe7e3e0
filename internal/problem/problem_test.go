package problem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/spawn-ec2/spawn/internal/problem"
)

func TestKindIsTheExitCode(t *testing.T) {
	denied := problem.New(problem.Denied, "no permission")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"an error that nobody classified", errors.New("broken"), 1},
		{"usage", problem.New(problem.Usage, "what?"), 2},
		{"not found", problem.New(problem.NotFound, "nothing"), 3},
		{"denied", denied, 4},
		{"no capacity", problem.New(problem.NoCapacity, "full"), 5},
		{"partial", problem.New(problem.Partial, "half"), 6},
		{"interrupted", problem.New(problem.Interrupted, "stop"), 130},
		{"wrapped", fmt.Errorf("launch: %w", denied), 4},
		{"joined", errors.Join(errors.New("broken"), denied), 4},
		{"the outermost counts", problem.New(problem.Partial, "half: %w", denied), 6},
		{"cancelled", fmt.Errorf("launch: %w", context.Canceled), 130},
		{"cancelled, with the consequence", problem.New(problem.Partial, "left behind: %w", context.Canceled), 6},
		{"out of time", context.DeadlineExceeded, 1},
		{"a kind that was forgotten is never success", &problem.Error{Err: errors.New("broken")}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := int(problem.KindOf(tt.err)); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	cause := errors.New("no credentials")
	bare := problem.New(problem.Denied, "sign in: %w", cause)
	err := fmt.Errorf("launch: %w", bare.WithNext("run spawn %s", "--local"))
	if got := problem.NextOf(err); got != "run spawn --local" {
		t.Errorf("the next step is %q", got)
	}
	if got := problem.NextOf(bare); got != "" {
		t.Errorf("WithNext changed the error it was asked of: %q", got)
	}
	if problem.NextOf(cause) != "" || problem.NextOf(nil) != "" {
		t.Error("a next step out of nothing")
	}
	if !errors.Is(err, cause) {
		t.Error("the cause was lost")
	}
	if got := bare.WithNext("x").Error(); got != bare.Error() {
		t.Errorf("the next step is in the message: %q", got)
	}
}
