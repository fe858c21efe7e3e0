package launch

import (
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// IdleWish is what the user says about an instance that nobody uses. What is
// empty is decided by the rules.
type IdleWish struct {
	Timeout   string // a duration; empty: idleness ends nothing
	CPU       string // percent of all processors below which it may be idle
	Action    lifecycle.IdleAction
	Hibernate bool // the promised short form of the action hibernate
}

// policy reads the wish. An instance that was asked to be able to hibernate
// does so when it is idle, unless another action was named.
func (w IdleWish) policy(hibernation bool) (p lifecycle.IdlePolicy, err error) {
	switch {
	case w.Timeout == "" && (w.CPU != "" || w.Action != "" || w.Hibernate):
		return p, problem.New(problem.Usage, "without --idle-timeout nothing is done about an idle instance").
			WithNext("say how long it may be idle: --idle-timeout 1h")
	case w.Timeout == "":
		return p, nil
	case w.Action != "" && !w.Action.Valid():
		return p, problem.New(problem.Usage, "--idle-action is terminate, stop or hibernate, not %q", clip(string(w.Action)))
	case w.Hibernate && w.Action != "" && w.Action != lifecycle.Hibernate:
		return p, problem.New(problem.Usage, "--hibernate-on-idle and --idle-action %s contradict each other", w.Action)
	}
	if p.Timeout, err = lifecycle.ParseDuration(w.Timeout); err != nil {
		return p, &problem.Error{Kind: problem.Usage, Err: err}
	}
	if w.CPU != "" {
		if p.CPU, err = lifecycle.ParsePercent(strings.TrimSuffix(w.CPU, "%")); err != nil {
			return p, problem.New(problem.Usage, "--idle-cpu: %w", err).WithNext("write it like --idle-cpu 5")
		}
	}
	p.Action = w.Action
	if w.Hibernate || w.Action == "" && hibernation {
		p.Action = lifecycle.Hibernate
	}
	return p, nil
}

// idles adds the idle policy to the plan.
func (p *Plan) idles(s Spec) (err error) {
	p.Idle, err = s.Idle.policy(s.Hibernate)
	return err
}

// noteIdle says what the user should know of the idle policy.
func (p *Plan) noteIdle() {
	if p.Idle.On() && p.Idle.Timeout >= p.Lifetime.TTL {
		p.Notes = append(p.Notes, "--idle-timeout "+lifecycle.FormatDuration(p.Idle.Timeout)+" is not shorter than the instance's life, so it will never act")
	}
}

// DescribeIdle is the idle policy in a person's words; "" when there is none.
func DescribeIdle(p lifecycle.IdlePolicy) string {
	if !p.On() {
		return ""
	}
	return string(p.Does()) + " after " + lifecycle.FormatDuration(p.Timeout) + " below " +
		strconv.FormatFloat(p.Threshold(), 'f', -1, 64) + " % CPU, 10 KB a minute of network and without anybody at a keyboard"
}

// NeedsRole tells that the plan wants what only the agent's role allows: to
// stop or to hibernate by itself. Terminating needs no permission.
func (p Plan) NeedsRole() bool { return p.Idle.On() && p.Idle.Does() != lifecycle.Terminate }
