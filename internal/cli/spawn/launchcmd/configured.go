package launchcmd

import (
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// defaults are what the user configured for every launch, as far as this one's
// flags do not say otherwise.
type defaults struct {
	ceiling  time.Duration
	maxPrice float64 // USD an hour; 0: no limit
	ttl      bool    // the lifetime is a configured one
}

// noIdle is --idle-timeout's way to say that there is none, whatever is
// configured.
const noIdle = "none"

// fillIn puts what is configured where no flag was given.
func (o *Options) fillIn() error {
	config, err := o.Factory.Config()
	if err != nil {
		return err
	}
	if o.configured.ceiling, err = config.Ceiling(); err != nil {
		return err
	}
	if o.MaxPrice == "" {
		if o.configured.maxPrice, err = config.MaxPrice(); err != nil {
			return err
		}
	}
	ttl, err := config.Get(settings.TTL)
	if err != nil {
		return err
	}
	if o.TTL == "" && ttl.Value != "" {
		o.TTL, o.configured.ttl = ttl.Value, true
	}
	idle, err := config.Get(settings.IdleTimeout)
	switch {
	case err != nil:
		return err
	case o.IdleTimeout == noIdle:
		o.IdleTimeout = ""
	case o.IdleTimeout == "" && idle.Value != "":
		o.IdleTimeout = idle.Value
		term.Note(o.Factory.Streams, "it ends when nobody used it for %s, as configured; not so with --idle-timeout %s", idle.Value, noIdle)
	}
	return nil
}

// hold says what of a plan is as configured, and refuses one that is dearer than
// the configured limit. Its other candidates are never dearer than the first.
// Unlike --max-price the limit lets nothing dearer in, either.
func (d defaults) hold(p launch.Plan) (launch.Plan, error) {
	if d.ttl && p.Lifetime.Reason == lifecycle.Asked {
		p.Lifetime.Reason = lifecycle.Configured
	}
	first := p.First()
	if d.maxPrice == 0 || first.Market == lifecycle.CapacityBlock {
		return p, nil
	}
	limit := fmt.Sprintf("the configured limit of $%g an hour", d.maxPrice)
	const next = "say how much this one may cost: --max-price; or change the limit: spawn config set max-price"
	usd := first.Price.USD()
	switch {
	case usd == nil:
		return p, problem.New(problem.Usage, "what %s costs in %s is unknown, so %s cannot be held", first, p.Region, limit).WithNext("%s", next)
	case *usd > d.maxPrice:
		return p, problem.New(problem.Usage, "%s costs %s an hour (%s, %s), more than %s", first, first.Price.Dollars(), first.Price.Source, first.Price.AsOf, limit).WithNext("%s", next)
	}
	return p, nil
}
