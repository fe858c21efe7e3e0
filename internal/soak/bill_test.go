package soak_test

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
)

// kinds are the types that are launched, with what AWS's list says that an hour
// of them costs on demand in us-east-1, in millionths of a USD: copied by hand
// from https://aws.amazon.com/ec2/pricing/on-demand/ and not from the catalog.
var kinds = []struct {
	name  string
	micro float64
}{
	{"t3.micro", 10_400},
	{"m7i.large", 100_800},
	{"c7g.medium", 36_300},
	{"t4g.nano", 4_200},
}

// What else an hour costs, in millionths of a USD: 8 GiB of gp3 at 0.08 USD a
// month of 730 hours, and a public address.
const (
	diskMicro    = 8 * 80_000.0 / 730
	addressMicro = 5_000.0
)

// bill is what spawn says that the fleet has cost, from looks at it, beside what
// the hosts' meters say.
type bill struct {
	region string
	seen   map[string]sighting
	said   price.Cost
	ran    time.Duration // as spawn saw it
	slack  float64       // millionths of a USD that the looks may be wrong by
	blur   time.Duration // and the time
}

// sighting is how an instance was at the last look.
type sighting struct {
	kind  string
	spot  bool
	state lifecycle.State
	at    time.Time
	first time.Time
	gone  time.Time
}

// look adds what the fleet has cost since the last look: each instance in the
// state that it was in then. What changed in between is counted wrong by as long
// as the looks are apart, at most.
func (b *bill) look(ctx context.Context, api instance.Describer, now time.Time) error {
	all, err := instance.List(ctx, api)
	if err != nil {
		return err
	}
	for _, in := range all {
		last, known := b.seen[in.ID]
		s := sighting{kind: in.Type, spot: in.Market == lifecycle.Spot, state: in.State, at: now, first: last.first, gone: last.gone}
		if !known {
			s.first = in.Launched
			last = sighting{kind: in.Type, spot: s.spot, state: in.State, at: in.Launched}
		}
		b.add(last, s.state, now.Sub(last.at))
		if in.State == lifecycle.StateTerminated && s.gone.IsZero() {
			s.gone = now
		}
		b.seen[in.ID] = s
	}
	return nil
}

func (b *bill) add(last sighting, state lifecycle.State, apart time.Duration) {
	if last.state == lifecycle.StateRunning {
		b.ran += apart
	}
	resources := price.Resources{Region: b.region, Compute: price.OnDemand(b.region, last.kind), VolumeGiB: 8, PublicIPv4: true}
	if last.spot {
		resources.Compute = price.Sum() // its price is no list price: the hours are counted, the dollars are not
	}
	b.said = b.said.Add(resources.InState(last.state).Over(apart))
	if state != last.state || last.at.Equal(last.first) {
		b.slack += (rate(last.kind, last.spot) + diskMicro + addressMicro) * apart.Hours()
		b.blur += apart
	}
}

// rate is what an hour of the machine costs, by the list above.
func rate(kind string, spot bool) float64 {
	for _, k := range kinds {
		if k.name == kind && !spot {
			return k.micro
		}
	}
	return 0
}

// compare holds the bill against the hosts' meters at the end of all lives.
func (b *bill) compare(f *fleet) (figures string, violations []string) {
	micro, ran := 0.0, time.Duration(0)
	for id, s := range b.seen {
		h := f.host(id)
		if h == nil {
			continue // it never ran
		}
		for _, on := range h.spans() {
			ran += on.to.Sub(on.from)
			micro += on.to.Sub(on.from).Hours() * (rate(s.kind, s.spot) + addressMicro)
		}
		micro += s.gone.Sub(s.first).Hours() * diskMicro
	}
	usd := b.said.USD()
	if usd == nil {
		return "", []string{"the bill is not known, although every price in it is"}
	}
	if off := math.Abs(*usd*1e6 - micro); off > b.slack+1e6/100 {
		violations = append(violations, fmt.Sprintf("the bill says $%.4f, the meters $%.4f: more apart than the $%.4f that the looks may miss", *usd, micro/1e6, b.slack/1e6))
	}
	if off := (b.ran - ran).Abs(); off > b.blur {
		violations = append(violations, fmt.Sprintf("the instances were seen running for %s, the meters say %s: more apart than %s", b.ran, ran, b.blur))
	}
	return fmt.Sprintf("bill $%.2f, by the meters $%.2f (may differ by $%.2f); instance hours seen %.1f, metered %.1f", *usd, micro/1e6, b.slack/1e6, b.ran.Hours(), ran.Hours()), violations
}

func (f *fleet) host(id string) *host {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hosts[id]
}

// spans are the times in which the host was on.
func (h *host) spans() []span {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]span(nil), h.on...)
}
