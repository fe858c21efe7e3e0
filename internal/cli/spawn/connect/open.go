package connect

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/term"
)

func cacheOf(ctx context.Context, f *factory.Factory, t *awsx.Target) account.Cache {
	return account.Cache{Dir: f.StateFor(t).Accounts(), Endpoint: t.Endpoint, Caller: t.Caller(ctx), Now: time.Now}
}

// shutOut tells whether the instance's security groups are the reason why SSH
// does not get through: none of them opens it to the caller's address, which is
// returned. Where that cannot be found out, they are not known to be.
func (o *Options) shutOut(ctx context.Context, target *awsx.Target, in instance.Instance) (here netip.Prefix, closed bool) {
	if in.PublicIP == "" || len(in.Groups) == 0 {
		return here, false
	}
	here, err := callerAddress(ctx, o.Factory, target)
	if err == nil {
		var open bool
		open, err = account.AnyOpensSSH(ctx, target.EC2(), in.Groups, here)
		closed = err == nil && !open
	}
	if err != nil {
		term.Note(o.Factory.Streams, "whether your address is let in was not found out: %v", awsx.Explain(err))
	}
	return here, closed
}

// callerAddress asks: the one that is remembered may be why SSH fails.
func callerAddress(ctx context.Context, f *factory.Factory, t *awsx.Target) (netip.Prefix, error) {
	if t.OnLoopback() {
		return account.Loopback(), nil
	}
	return cacheOf(ctx, f, t).AddressNow(ctx, func(ctx context.Context) (netip.Prefix, error) {
		return account.CallerAddress(ctx, http.DefaultClient)
	})
}

// openTo makes sure of the group that opens SSH to here and nothing else, and
// adds it to the instance's.
func openTo(ctx context.Context, f *factory.Factory, t *awsx.Target, in instance.Instance, here netip.Prefix) error {
	who, err := cacheOf(ctx, f, t).Identify(ctx, account.STSOf(t))
	if err != nil {
		return err
	}
	// The group belongs to no launch's journal, and so no launch undoes it:
	// a cleanup deletes it when nothing uses it.
	origin := func() lifecycle.Origin {
		return lifecycle.Origin{Owner: who.ARN, Launch: in.Tags.Launch, Created: t.Clock.Now()}
	}
	network, err := account.EnsureGroup(ctx, t.EC2(), in.VPC, here, origin, func(account.Kind, string) {})
	if err != nil {
		return err
	}
	return instance.JoinGroup(ctx, t.EC2(), in, network.SecurityGroup)
}
