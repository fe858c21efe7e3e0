package wizard

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

func (t *talk) need(ctx context.Context) (bool, error) {
	c := term.Choice{Title: "What do you need?"}
	for i, n := range needs() {
		if n.need == t.Need {
			c.Default = i
		}
		c.Options = append(c.Options, term.Option{Label: string(n.need), Details: []string{n.why}})
	}
	i, err := t.Choose(ctx, c)
	if err != nil {
		return true, err
	}
	if chosen := needs()[i].need; chosen != t.Need {
		t.Need, t.Type = chosen, ""
	}
	return true, nil
}

// another is the answer for whoever wants none of those that are shown.
const another = "another"

// where asks for the region, with what the need costs there at least.
func (t *talk) where(ctx context.Context) (bool, error) {
	usual := cmp.Or(t.Region, t.home())
	regions := []string{usual}
	for _, r := range []string{t.home(), "us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"} {
		if !slices.Contains(regions, r) {
			regions = append(regions, r)
		}
	}
	c := term.Choice{Title: "Where? A region near you answers quickly."}
	var shown []find.Row
	for _, r := range regions {
		o := term.Option{Label: r}
		if t.Need != ByName {
			least, known := t.least(r)
			o.Details = []string{"nothing that suits is listed"}
			if known {
				o.Details = []string{"from " + least.OnDemand.Dollars() + " an hour"}
				shown = append(shown, least)
			}
		}
		c.Options = append(c.Options, o)
	}
	c.Options, c.Notes = append(c.Options, term.Option{Label: another}), provenance(shown, false)
	for {
		i, err := t.Choose(ctx, c)
		if err != nil {
			return true, err
		}
		if i < len(regions) {
			t.Region = regions[i]
			return true, nil
		}
		region, err := t.Fill(ctx, term.Blank{Title: "Which region?", Check: knownRegion})
		if err == nil {
			t.Region = region
		}
		if again := isBack(err); !again {
			return true, err
		}
	}
}

// home is the region that is proposed first.
func (t *talk) home() string {
	if t.Local && !t.world.Local {
		return t.world.LocalRegion
	}
	return t.world.Region
}

// least is the cheapest of what suits the need in a region.
func (t *talk) least(region string) (least find.Row, ok bool) {
	rows := candidates(t.world.Known, t.Need, region)
	if len(rows) == 0 {
		return least, false
	}
	return slices.MinFunc(rows, func(a, b find.Row) int { return a.OnDemand.Cmp(b.OnDemand) }), true
}

func knownRegion(name string) error {
	if slices.Contains(catalog.Regions(), name) {
		return nil
	}
	return problem.New(problem.Usage, "there is no region %q that spawn knows", name).WithNext("names look like eu-west-1; truffle regions lists them")
}

// which asks for the type, with what each has and costs.
func (t *talk) which(ctx context.Context) (bool, error) {
	rows := candidates(t.world.Known, t.Need, t.Region)
	if len(rows) == 0 {
		return true, t.name(ctx)
	}
	c := term.Choice{Title: "Which type? Prices are in USD an hour."}
	for i, r := range rows {
		if r.Type.Name == t.Type {
			c.Default = i
		}
		c.Options = append(c.Options, typeOption(r, t.Need == GPU))
	}
	c.Options, c.Notes = append(c.Options, term.Option{Label: another}), provenance(rows, true)
	for {
		i, err := t.Choose(ctx, c)
		if err != nil {
			return true, err
		}
		if i < len(rows) {
			t.Type = rows[i].Type.Name
			return true, nil
		}
		if err := t.name(ctx); !isBack(err) {
			return true, err
		}
	}
}

// name asks for a type by its name.
func (t *talk) name(ctx context.Context) error {
	name, err := t.Fill(ctx, term.Blank{
		Title: "Which type? Its name, such as m7i.large.", Default: t.Type,
		Check: func(name string) error { _, err := named(t.world.Known, t.Region, name); return err },
	})
	if err != nil {
		return err
	}
	row, err := named(t.world.Known, t.Region, name)
	t.Type = row.Type.Name
	return err
}

// market asks for Spot or on demand, with both prices.
func (t *talk) market(ctx context.Context) (bool, error) {
	row, err := named(t.world.Known, t.Region, t.Type)
	if err != nil {
		return true, err
	}
	c := term.Choice{
		Title: "On demand or Spot?",
		Options: []term.Option{
			{Label: "on demand", Details: []string{hourly(row.OnDemand), "yours until its end"}},
			{Label: "Spot", Details: []string{hourly(row.Spot), "EC2 may take it back at two minutes' notice"}},
		},
		Notes: provenance([]find.Row{row}, true),
	}
	if row.Interruption != catalog.InterruptionUnknown {
		c.Notes = append(c.Notes, fmt.Sprintf("taken back within a month, of all Spot instances of this type: %s", row.Interruption))
	}
	if t.Spot {
		c.Default = 1
	}
	i, err := t.Choose(ctx, c)
	if err == nil {
		t.Spot = i == 1
	}
	return true, err
}

// life asks how long it may live, with what its compute comes to.
func (t *talk) life(ctx context.Context) (bool, error) {
	row, err := named(t.world.Known, t.Region, t.Type)
	if err != nil {
		return true, err
	}
	compute := row.OnDemand
	if t.Spot {
		compute = row.Spot
	}
	lives := []string{"1h", "4h", defaultTTL, "1d", "1w", lifecycle.NoTTL}
	if !slices.Contains(lives, t.TTL) {
		lives = append([]string{t.TTL}, lives...)
	}
	c := term.Choice{Title: "How long may it live? It ends by itself, and can be extended.", Default: slices.Index(lives, t.TTL)}
	for _, life := range lives {
		chosen, err := lifecycle.ChooseLifetime(life, 0, t.world.Ceiling)
		if err != nil {
			return true, err
		}
		o := term.Option{Label: life, Details: []string{"compute " + compute.Over(chosen.TTL).String()}}
		if life == lifecycle.NoTTL {
			o.Details = append(o.Details, "the longest allowed, "+term.Span(chosen.TTL))
		}
		c.Options = append(c.Options, o)
	}
	c.Options = append(c.Options, term.Option{Label: another})
	for {
		i, err := t.Choose(ctx, c)
		if err != nil {
			return true, err
		}
		if i < len(lives) {
			t.TTL = lives[i]
			return true, nil
		}
		ttl, err := t.Fill(ctx, term.Blank{Title: "How long? Such as 45m, 6h, 2d12h.", Check: t.allowedLife})
		if err == nil {
			t.TTL = ttl
		}
		if !isBack(err) {
			return true, err
		}
	}
}

func (t *talk) allowedLife(ttl string) error {
	_, err := lifecycle.ChooseLifetime(ttl, 0, t.world.Ceiling)
	return err
}

// hibernate is the idle action that not every type can.
const hibernate = string(lifecycle.Hibernate)

// idle asks what to do when nobody uses it. One that lives no longer than it may
// be idle ends soon enough.
func (t *talk) idle(ctx context.Context) (bool, error) {
	timeout, err := lifecycle.ParseDuration(idleTimeout)
	if err != nil {
		return true, err
	}
	life, err := lifecycle.ChooseLifetime(t.TTL, 0, t.world.Ceiling)
	if err != nil {
		return true, err
	}
	if life.TTL <= timeout {
		t.Idle = ""
		return false, nil
	}
	actions := []string{"", string(lifecycle.Terminate), string(lifecycle.Stop)}
	after := " after " + idleTimeout
	c := term.Choice{
		Title: "And when nobody uses it?",
		Options: []term.Option{
			{Label: "nothing", Details: []string{"it runs until its end"}},
			{Label: actions[1] + after, Details: []string{"its disk is deleted with it"}},
			{Label: actions[2] + after, Details: []string{"its disk stays, and costs, until its end"}},
		},
	}
	if t.canHibernate(ctx) {
		actions = append(actions, hibernate)
		c.Options = append(c.Options, term.Option{Label: hibernate + after, Details: []string{"its memory and disk stay, and the disk costs, until its end"}})
	}
	c.Default = max(slices.Index(actions, t.Idle), 0)
	i, err := t.Choose(ctx, c)
	if err == nil {
		t.Idle = actions[i]
	}
	return true, err
}

// canHibernate tries whether a launch that hibernates would be refused: the
// rules are the launch's.
func (t *talk) canHibernate(ctx context.Context) bool {
	wish := t.Answers
	wish.Idle, wish.CreateKey, wish.KeyPair = hibernate, false, ""
	_, err := t.world.Plan(ctx, append(slices.Clone(t.given), wish.Args()...))
	return err == nil
}

// key asks for the SSH key to log in with. In the local cloud one gets in
// without.
func (t *talk) key(ctx context.Context) (bool, error) {
	if t.Local {
		t.CreateKey, t.KeyPair = false, ""
		return false, nil
	}
	found, err := t.world.Key(ctx)
	if err != nil {
		return true, err
	}
	first := term.Option{Label: "make one", Details: []string{"~/.ssh/id_ed25519, without a passphrase"}}
	if found != "" {
		first = term.Option{Label: "yours", Details: []string{found}}
	}
	c := term.Choice{
		Title:   "Which SSH key?",
		Options: []term.Option{first, {Label: "key pair", Details: []string{"one that is in EC2, by its name"}}},
	}
	if t.KeyPair != "" {
		c.Default = 1
	}
	for {
		i, err := t.Choose(ctx, c)
		if err != nil {
			return true, err
		}
		if i == 0 {
			t.CreateKey, t.KeyPair = found == "", ""
			return true, nil
		}
		name, err := t.Fill(ctx, term.Blank{Title: "Which key pair?", Default: t.KeyPair, Check: func(string) error { return nil }})
		if err == nil {
			t.CreateKey, t.KeyPair = false, name
		}
		if !isBack(err) {
			return true, err
		}
	}
}
