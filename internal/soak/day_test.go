package soak_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// day is a simulated day in progress.
type day struct {
	world   *world
	witness *witness
	zombies sync.WaitGroup // of processes that were killed

	mu     sync.Mutex     // guards the rest
	done   map[string]int // commands and events, by what came of them
	faults map[string]int // those that applied, by kind
}

// report is what came of a day.
type report struct {
	violations []string
	broken     error // why the day could not be lived to its end or to a violation
	at         int   // the round that showed the first
	figures    string
	simulated  time.Duration
	took       time.Duration
}

// live lives the rounds in a bubble of its own until something is wrong.
func live(t *testing.T, seed uint64, rounds []round) (r report) {
	t.Helper()
	dir, began := t.TempDir(), time.Now()
	synctest.Test(t, func(t *testing.T) {
		w, err := newWorld(t.Context(), dir, seed)
		if w != nil {
			defer func() {
				if err := w.close(); err != nil {
					r.broken = errors.Join(r.broken, err)
				}
			}()
		}
		if err != nil {
			r.broken = err
			return
		}
		d := &day{world: w, witness: newWitness(w), done: map[string]int{}, faults: map[string]int{}}
		r.at, err = d.through(t.Context(), rounds)
		r.broken = err
		d.zombies.Wait()
		r.simulated = time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) // when a bubble's time begins
		r.figures = d.figures(r.simulated)
		r.violations = append(r.violations, d.witness.violations...)
	})
	r.took = time.Since(began)
	return r
}

func (d *day) through(ctx context.Context, rounds []round) (at int, err error) {
	if err := d.world.root.plant(ctx, d.world.desks[0].owner); err != nil {
		return 0, fmt.Errorf("plant what is not ours: %w", err)
	}
	time.Sleep(time.Hour + boots) // and what has ended of it is not shown any more
	for at, r := range rounds {
		if err := d.round(ctx, at, r); err != nil || len(d.witness.violations) > 0 {
			return at, err
		}
	}
	return len(rounds), d.evening(ctx)
}

// round lets a round happen and checks all that must hold after it.
func (d *day) round(ctx context.Context, n int, r round) error {
	for _, f := range r.Faults {
		if _, err := d.world.cloud.Faults().Add(f); err != nil {
			return err
		}
	}
	began := time.Now()
	cleaned := make([]bool, len(r.Steps))
	errs := make([]error, len(r.Steps))
	var steps sync.WaitGroup
	for i, s := range r.Steps {
		steps.Go(func() { cleaned[i], errs[i] = d.step(ctx, s) })
	}
	steps.Wait()
	d.zombies.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if len(r.Faults) == 0 && len(r.Steps) == 1 && cleaned[0] {
		if err := d.witness.cleaned(ctx, d.world.desks[r.Steps[0].Desk].owner, began); err != nil {
			return err
		}
	}
	time.Sleep(r.Then)
	if len(r.Faults) > 0 {
		d.count(d.world.cloud.Faults().List())
		d.world.cloud.Faults().Clear("")
		d.witness.trouble = time.Now()
	}
	if err := d.witness.check(ctx); err != nil {
		return err
	}
	if n%10 == 0 {
		return d.witness.untouched(ctx)
	}
	return nil
}

// evening lets all lives come to their end, cleans up from machines that know
// nothing, and counts what is left.
func (d *day) evening(ctx context.Context) error {
	for range 12 * 60 / 10 {
		time.Sleep(10 * time.Minute)
		if err := d.witness.check(ctx); err != nil || len(d.witness.violations) > 0 {
			return err
		}
	}
	for _, desk := range d.world.desks[:people] {
		fresh := *desk
		fresh.number += len(d.world.desks)
		p, err := fresh.start(ctx, 0, false)
		if err != nil {
			return err
		}
		sweep, err := p.cleanup(ctx)
		d.witness.holds(err == nil && len(sweep.Left) == 0, "the last cleanup of %s leaves %v, %v", desk.person, sweep.Left, err)
	}
	time.Sleep(5 * time.Minute)
	if err := d.witness.check(ctx); err != nil {
		return err
	}
	if err := d.witness.over(ctx); err != nil {
		return err
	}
	return d.witness.untouched(ctx)
}

// step does one step. What a command answers is its own affair, as long as what
// must hold does.
func (d *day) step(ctx context.Context, s step) (cleaned bool, err error) {
	if s.Do > cleans {
		return false, d.happen(ctx, s)
	}
	desk := d.world.desks[s.Desk]
	p, err := desk.start(ctx, s.Kill, s.Heed)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	if s.Interrupt > 0 {
		defer time.AfterFunc(s.Interrupt, cancel).Stop()
	}
	outcome := make(chan error, 1)
	d.zombies.Go(func() {
		defer cancel()
		outcome <- d.command(ctx, p, s)
	})
	select {
	case err = <-outcome:
		select {
		case <-p.died:
			err = errKilled
		default:
		}
	case <-p.died:
		err = errKilled
	}
	switch {
	case errors.Is(err, errNone):
		d.tally(s.Do, "had nothing to do")
	case errors.Is(err, errKilled):
		d.tally(s.Do, "was killed")
	case err != nil && s.Interrupt > 0 && ctx.Err() != nil:
		d.tally(s.Do, "was interrupted")
	case err != nil:
		d.tally(s.Do, "failed: "+reason(err))
	default:
		d.tally(s.Do, "succeeded")
	}
	return s.Do == cleans && err == nil, nil
}

// reason is a failure in a word: what a service called it, or the beginning of
// what is said.
func reason(err error) string {
	if code := awserr.Code(err); code != "" {
		return code
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	first = names.ReplaceAllString(first, "…")
	return first[:min(len(first), 70)]
}

// names are those of instances and of folders, which are never the same.
var names = regexp.MustCompile(`\b(spawn-|i-|sir-)[0-9a-f]+|/\S+`)

// errNone is a command without an instance to be about.
var errNone = errors.New("there is no such instance")

func (d *day) command(ctx context.Context, p *process, s step) error {
	if s.Do == launches {
		return d.launch(ctx, p, s)
	}
	_ = p.greet(ctx) // a command does its own work whether or not that succeeds
	if s.Do == cleans {
		sweep, err := p.cleanup(ctx)
		if err == nil && len(sweep.Left) > 0 {
			err = fmt.Errorf("%d are left", len(sweep.Left))
		}
		return err
	}
	in, err := p.pick(ctx, s)
	if err != nil {
		return err
	}
	switch s.Do {
	case extends, shortens:
		err = d.move(ctx, p, s, in)
	case stops:
		if in.Persistent == "" || s.Pick%2 == 0 {
			err = instance.Stop(ctx, p.ec2, in)
		}
	case starts:
		err = instance.Start(ctx, p.ec2, in, p.target.Clock.Now)
	default:
		d.locked(func(w *witness) { w.mayEnd(in.ID, "its owner ends it") })
		err = p.terminate(ctx, in)
	}
	return err
}

func (d *day) launch(ctx context.Context, p *process, s step) error {
	_ = p.greet(ctx)
	plan, err := p.desk.resolve(wish{kind: kinds[s.Kind%len(kinds)].name, ttl: s.For, spot: s.Spot, persistent: s.Lasting, count: s.Count})
	if err != nil {
		return err
	}
	d.locked(func(w *witness) { w.wanted[plan.Launch] = s.Count })
	res, err := p.launch(ctx, plan)
	d.locked(func(w *witness) {
		if err != nil {
			w.excuse(plan.Launch, "its launch failed, or was killed")
			w.mayEnd(plan.Launch, "its launch failed, or was killed")
			return
		}
		for _, m := range res.Members {
			if m.Backstop != nil {
				w.excuse(m.Instance.ID, "its launch said that it could not be armed")
			}
		}
	})
	return err
}

// move is spawn extend, by a duration or to one from now.
func (d *day) move(ctx context.Context, p *process, s step, in instance.Instance) error {
	to := lifecycle.DeadlineAt(in.Tags.Deadline.Time().Add(s.For))
	if s.Do == shortens {
		to = lifecycle.DeadlineAt(p.target.Clock.Now().Add(s.For / 8))
	}
	if to.Left(p.target.Clock.Now()) > 5*time.Hour {
		return errNone // it would live into the night
	}
	d.locked(func(w *witness) { w.asked[in.ID] = append(w.asked[in.ID], to.Time()) })
	moved, err := deadline.Move(ctx, p.ec2, p.cloudLayer(), in, to)
	err = errors.Join(err, moved.CloudErr)
	if err != nil && (!moved.Tag || !moved.Cloud) {
		d.locked(func(w *witness) { w.movedInPart(in.ID, to.Time()) })
	}
	return err
}

// pick is one of the person's own living instances, as a person would name it.
func (p *process) pick(ctx context.Context, s step) (instance.Instance, error) {
	all, err := instance.List(ctx, p.ec2)
	if err != nil {
		return instance.Instance{}, err
	}
	mine := slices.DeleteFunc(all, func(in instance.Instance) bool {
		wrong := s.Do == starts && in.State != lifecycle.StateStopped || s.Do == stops && in.State != lifecycle.StateRunning
		return in.Tags.Owner != p.desk.owner || in.State.Ended() || wrong
	})
	if len(mine) == 0 {
		return instance.Instance{}, errNone
	}
	return mine[s.Pick%len(mine)], nil
}

// happen lets something happen to one of the instances that run.
func (d *day) happen(ctx context.Context, s step) error {
	all, err := instance.List(ctx, d.world.root.ec2)
	if err != nil {
		return nil //nolint:nilerr // a fault that was ordered: then nothing happens
	}
	there := slices.DeleteFunc(all, func(in instance.Instance) bool {
		return in.State != lifecycle.StateRunning || s.Do == spotTaken && in.SpotRequest == ""
	})
	if len(there) == 0 {
		d.tally(s.Do, "had nothing to do")
		return nil
	}
	id := there[s.Pick%len(there)].ID
	d.tally(s.Do, "happened")
	event := fault.Event{Instance: id}
	switch s.Do {
	case hostDies:
		event.Kind, event.Action = fault.HostDeath, fault.Terminate
		if s.Stop {
			event.Action = fault.Stop
		}
	case spotTaken:
		event.Kind, event.In = fault.SpotNotice, 2*time.Minute
	default:
		sick := timered
		if s.Do == hangs {
			sick = hung
		}
		d.world.fleet.host(id).sicken(sick)
		return nil
	}
	d.locked(func(w *witness) { w.mayEnd(id, s.Do.String()) })
	_ = d.world.cloud.Inflict(event) // it may have ended meanwhile
	return nil
}

// sicken makes the instance worse; nothing heals it.
func (h *host) sicken(to health) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.health = max(h.health, to)
}

func (d *day) locked(do func(*witness)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do(d.witness)
}

func (d *day) tally(v verb, what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done[v.String()+" "+what]++
}

func (d *day) count(rules []fault.Rule) {
	for _, r := range rules {
		d.faults[string(r.Kind)] += r.Hits
	}
}

// figures are what a person wants to know of the day.
func (d *day) figures(simulated time.Duration) string {
	bill := "no bill: the day did not come to its end"
	if len(d.witness.violations) == 0 {
		var wrong []string
		bill, wrong = d.witness.bill.compare(d.world.fleet)
		for _, v := range wrong {
			d.witness.violated("%s", v)
		}
	}
	out := fmt.Sprintf("%d instances, %d calls, %d invariants checked, %.1f simulated hours\n%s\n", len(d.witness.lives), d.world.cloud.Tape().Count(), d.witness.checked, simulated.Hours(), bill)
	for _, counts := range []map[string]int{d.done, d.faults} {
		for _, what := range slices.Sorted(maps.Keys(counts)) {
			out += fmt.Sprintf("  %6d %s\n", counts[what], what)
		}
	}
	return out
}
