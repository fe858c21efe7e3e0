package factory

import (
	"context"
	"sync"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
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
			origin := func() lifecycle.Origin { return lifecycle.Origin{Owner: me.ARN, Created: t.Clock.Now()} }
			return account.EnsureScheduler(ctx, account.IAMOf(t), api, me, origin, func(account.Kind, string) {})
		},
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
