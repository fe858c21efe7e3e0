package wizard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// account asks, where nothing is configured that could give AWS credentials,
// how to go on.
func (t *talk) account(ctx context.Context) (bool, error) {
	if t.world.Local || t.world.Credentials {
		return false, nil
	}
	i, err := t.Choose(ctx, term.Choice{
		Title: "No AWS credentials were found. How do you want to go on?",
		Options: []term.Option{
			{Label: "local", Details: []string{"try it without an account, in a local cloud on this machine, which costs nothing"}},
			{Label: "explain", Details: []string{"how to get credentials"}},
			{Label: "on", Details: []string{"this machine has some that are not configured, as an EC2 instance has by its role"}},
		},
	})
	if err != nil {
		return true, err
	}
	switch i {
	case 1:
		t.explain()
		return true, errEnough
	default:
		t.Local = i == 0
		return true, nil
	}
}

func (t *talk) explain() {
	t.Say("spawn takes credentials as the AWS command line keeps them:")
	t.Show([][2]string{
		{"aws configure sso", "for who signs in through an organisation; later: aws sso login"},
		{"aws configure", "for who has an access key"},
		{"AWS_PROFILE", "names one of several profiles, as --profile does"},
	})
	t.Say("An account is opened at https://aws.amazon.com. What you must be allowed in it, docs/iam-permissions.md says.")
	t.Say("Then type spawn again. Without an account: spawn --local")
}

// decide shows what it all comes to, and asks whether to launch it.
func (t *talk) decide(ctx context.Context) (bool, error) {
	args := append(slices.Clone(t.given), t.Args()...)
	plan, err := t.world.Plan(ctx, args)
	if err != nil {
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
		t.Say("this cannot be launched: " + err.Error())
		if next := problem.NextOf(err); next != "" {
			t.Say("next: " + next)
		}
		return true, term.ErrBack
	}
	t.Say("")
	t.Show(t.summary(plan))
	t.Say("The same without questions:")
	t.Command(Command(args))
	i, err := t.Choose(ctx, term.Choice{
		Title:   "Launch it?",
		Options: []term.Option{{Label: "yes"}, {Label: "no", Details: []string{"the command is all that I wanted"}}},
		Default: -1,
	})
	if err != nil {
		return true, err
	}
	t.outcome = Outcome{Args: args, Launch: i == 0}
	return true, nil
}

// summary is a plan in a person's words.
func (t *talk) summary(p launch.Plan) [][2]string {
	c, now := p.First(), t.world.Now()
	bill := c.Bill(p.Region, !p.Chosen.NoPublicIP)
	facts := [][2]string{
		{"launch", fmt.Sprintf("%s (%s vCPU, %s), %s", c, term.Count(c.Type.VCPUs), term.Memory(c.Type.MemoryMiB), c.Image.Name)},
		{"where", t.place(p)},
		{"ends", fmt.Sprintf("about %s, in %s", term.Moment(now.Add(p.Lifetime.TTL).Truncate(time.Minute), now), term.Span(p.Lifetime.TTL))},
		{"when idle", cmp.Or(launch.DescribeIdle(p.Idle), "nothing is done")},
		{"key", t.keyWords(p)},
		{"costs", term.Costs(bill)},
		{"in total", fmt.Sprintf("%s until its end, if it runs all the time", bill.Over(p.Lifetime.TTL))},
	}
	for _, part := range term.CostParts(bill) {
		facts = append(facts, [2]string{"price", part})
	}
	if more := term.CostsOnTop(bill); more != "" {
		facts = append(facts, [2]string{"on top", more})
	}
	if t.Local {
		facts = append(facts, [2]string{"note", "the local cloud costs nothing: these are the prices of AWS"})
	}
	for _, note := range p.Notes {
		facts = append(facts, [2]string{"note", note})
	}
	return facts
}

func (t *talk) place(p launch.Plan) string {
	if t.Local {
		return p.Region + " of the local cloud on this machine"
	}
	return p.Region
}

func (t *talk) keyWords(p launch.Plan) string {
	switch {
	case t.KeyPair != "":
		return "the key pair " + t.KeyPair
	case t.CreateKey:
		return "~/.ssh/id_ed25519, which is made"
	case p.Key != nil:
		return p.Key.Where()
	default:
		return "none: the local cloud lets you in without"
	}
}

func isBack(err error) bool { return errors.Is(err, term.ErrBack) }
