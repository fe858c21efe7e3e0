package factory

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/term"
)

// finishTimeout bounds what a command does for launches that are not its own.
const finishTimeout = 20 * time.Second

// finishAbandoned does for the instances of a launch that died on this machine
// what that could not. A command does its own work whether or not it succeeds.
func (f *Factory) finishAbandoned(ctx context.Context, t *awsx.Target) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	defer f.Streams.Wait("finishing what a launch left undone")()
	armed, err := launch.FinishAbandoned(ctx, f.StateFor(t).Launches(), t.Endpoint, t.Region, t.EC2(), CloudLayer(t))
	for _, in := range armed {
		term.Note(f.Streams, "the launch of %s was cut short: the cloud now ends it, too, after its deadline", in.Label())
	}
	if err != nil && ctx.Err() == nil {
		term.Note(f.Streams, "a launch that was cut short could not be finished: %v", awsx.Explain(err))
	}
}

// RecallAbandoned has what launches that died on this machine made in the target's
// region without hearing so count as this machine's: a cleanup that comes after
// it deletes that although it is young.
func (f *Factory) RecallAbandoned(ctx context.Context, t *awsx.Target, who account.Identity) error {
	err := launch.RecallAbandoned(ctx, f.StateFor(t).Launches(), t.Endpoint, t.Region, who, t.EC2(), t.Clock.Now())
	if err != nil {
		return fmt.Errorf("look for what a launch that was cut short has left: %w", err)
	}
	return nil
}
