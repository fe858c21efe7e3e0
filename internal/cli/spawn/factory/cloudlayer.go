package factory

import (
	"context"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/term"
)

// CloudLayer is the cloud's layer of the deadlines in the target's region. Who is
// calling is asked at most once, when something has to be written.
func CloudLayer(t *awsx.Target) deadline.Cloud {
	api := account.SchedulerOf(t)
	who := onceKnown(func(ctx context.Context) (account.Identity, error) { return account.Identify(ctx, account.STSOf(t)) })
	return deadline.Cloud{
		API:   api,
		Clock: deadline.Real(t.Clock.Now),
		Who:   who,
		Prepare: func(ctx context.Context) error {
			me, err := who(ctx)
			if err != nil {
				return err
			}
			origin := lifecycle.Origin{Owner: me.ARN, Created: t.Clock.Now()}
			return account.EnsureScheduler(ctx, account.IAMOf(t), api, me, origin, func(account.Kind, string) {})
		},
	}
}

// finishTimeout bounds what a command does for launches that are not its own.
const finishTimeout = 20 * time.Second

// finishAbandoned does for the instances of a launch that died on this machine
// what that could not. A command does its own work whether or not it succeeds.
func (f *Factory) finishAbandoned(ctx context.Context, t *awsx.Target) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	armed, err := launch.FinishAbandoned(ctx, f.StateFor(t).Launches(), t.Endpoint, t.Region, t.EC2(), CloudLayer(t))
	for _, in := range armed {
		term.Note(f.Streams, "the launch of %s was cut short: the cloud now ends it, too, after its deadline", in.Label())
	}
	if err != nil && ctx.Err() == nil {
		term.Note(f.Streams, "a launch that was cut short could not be finished: %v", awsx.Explain(err))
	}
}

// onceKnown asks until there is an answer, and then no more. Parallel callers
// wait for one another.
func onceKnown[T any](ask func(context.Context) (T, error)) func(context.Context) (T, error) {
	var mu sync.Mutex
	var answer T
	known := false
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if known {
			return answer, nil
		}
		got, err := ask(ctx)
		if err == nil {
			answer, known = got, true
		}
		return got, err
	}
}
