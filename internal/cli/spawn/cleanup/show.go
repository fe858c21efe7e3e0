package cleanup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
	"github.com/spawn-ec2/spawn/internal/term"
)

// row is an item as data, with where it is; "" is everywhere.
type row struct {
	Region string `json:"region,omitempty"`
	reap.Item
}

// result is all of it, as data.
type result struct {
	DryRun  bool       `json:"dry_run"`
	Found   []row      `json:"found"`   // to be deleted, before it was
	Costing []row      `json:"costing"` // instances that stay and cost money without running
	Monthly price.Cost `json:"usd_per_month"`
	Armed   []string   `json:"armed"` // instances that got the cloud's layer of their deadline
	Deleted []row      `json:"deleted"`
	Left    []row      `json:"left"` // what a new listing still shows
	Regions []string   `json:"regions"`
	Closed  []string   `json:"regions_not_opted_into"`
}

func (o *Options) result(s *survey) result {
	r := result{DryRun: o.DryRun, Found: []row{}, Costing: []row{}, Armed: []string{}, Deleted: []row{}, Left: []row{}, Regions: []string{}, Closed: append([]string{}, s.closed...)}
	for _, p := range s.places {
		in := p.region.Name
		r.Regions, r.Armed = append(r.Regions, in), append(r.Armed, p.armed...)
		r.Found, r.Costing = append(r.Found, rows(in, p.found.Left)...), append(r.Costing, rows(in, p.found.Costing)...)
		r.Deleted, r.Left = append(r.Deleted, rows(in, p.sweep.Gone())...), append(r.Left, rows(in, p.sweep.Left)...)
	}
	r.Found = append(r.Found, rows("", s.roles)...)
	r.Deleted, r.Left = append(r.Deleted, rows("", s.whole.Gone())...), append(r.Left, rows("", s.whole.Left)...)
	r.Monthly = reap.Monthly(s.items())
	return r
}

func rows(region string, items []reap.Item) (out []row) {
	for _, i := range items {
		out = append(out, row{region, i})
	}
	return out
}

// tell says what is worth knowing beside the list.
func (o *Options) tell(ctx context.Context, s *survey) {
	said := map[string]bool{}
	note := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !said[text] {
			said[text] = true
			term.Note(o.Factory.Streams, "%s", text)
		}
	}
	blind := map[string]bool{}
	for _, p := range s.places {
		for _, u := range p.found.Unseen {
			switch {
			case blind[u.What]: // who may not look in one region may not in another
			case u.What == reap.Schedules:
				note("the cloud's schedules are not looked at: ask for this policy: %s", p.region.Schedules.Ask(ctx))
			default:
				note("%s are not looked at: %v", u.What, awsx.Explain(u.Err))
			}
			blind[u.What] = true
		}
		o.tellArmed(ctx, p, note)
		for _, k := range p.found.Keys {
			note("the SSH key %s stays: it is yours", k.Name)
		}
		if p.err != nil {
			note("%s was not looked at: %v", p.region.Name, awsx.Explain(p.err))
		}
	}
	if len(s.closed) > 0 {
		note("the account has not opted into %s: there can be nothing", strings.Join(s.closed, ", "))
	}
	if s.stay != "" {
		note("the roles stay: %s", s.stay)
	}
}

func (o *Options) tellArmed(ctx context.Context, p *place, note func(string, ...any)) {
	if o.DryRun {
		for _, in := range p.found.Missing {
			note("%s lacks the cloud's layer of its deadline, which cleanup would arm", in.Label())
		}
		return
	}
	for _, label := range p.armed {
		note("%s lacked the cloud's layer of its deadline: it is armed now", label)
	}
	switch {
	case awserr.IsDenied(p.armErr):
		note("%d of your instances lack the cloud's layer of their deadline: ask for this policy: %s", len(p.found.Missing)-len(p.armed), p.region.Schedules.Ask(ctx))
	case p.armErr != nil:
		p.err = errors.Join(p.err, p.armErr)
	}
}

// show shows what was found.
func (o *Options) show(_ context.Context, s *survey) error {
	r := o.result(s)
	if o.Output == "json" {
		if err := term.JSON(o.Factory.Streams, r); err != nil {
			return err
		}
		return o.failed(s, 0)
	}
	if len(r.Costing) > 0 {
		term.Note(o.Factory.Streams, "these stay and cost money; end one with spawn terminate:")
		if err := o.table(r.Costing); err != nil {
			return err
		}
	}
	if len(r.Found) == 0 {
		term.Note(o.Factory.Streams, "nothing is left in %s", o.where(r))
		return o.failed(s, 0)
	}
	if err := o.table(r.Found); err != nil {
		return err
	}
	term.Note(o.Factory.Streams, "as long as they are there, these cost %s a month", r.Monthly)
	if o.DryRun {
		return o.failed(s, 0)
	}
	return nil
}

// where names the regions that were looked at.
func (o *Options) where(r result) string {
	if o.AllRegions {
		return fmt.Sprintf("all %d regions", len(r.Regions))
	}
	return strings.Join(r.Regions, ", ")
}

func (o *Options) table(rows []row) error {
	columns := []term.Column{{Title: "KIND"}, {Title: "ID"}, {Title: "NAME", Spare: 2}, {Title: "A MONTH", Right: true}, {Title: "WHY", Fold: true, Spare: 1}}
	if o.AllRegions {
		columns = append([]term.Column{{Title: "REGION"}}, columns...)
	}
	cells := make([][]string, len(rows))
	for i, r := range rows {
		cells[i] = []string{r.Kind.String(), r.ID, r.Name, r.Monthly.String(), r.Why}
		if o.AllRegions {
			where := r.Region
			if where == "" {
				where = "all"
			}
			cells[i] = append([]string{where}, cells[i]...)
		}
	}
	return term.Table(o.Factory.Streams, columns, cells)
}

// report says what was deleted, and makes anything that is still there an error.
func (o *Options) report(s *survey) error {
	r := o.result(s)
	for _, p := range s.places {
		o.reportSweep(p.sweep)
	}
	o.reportSweep(s.whole)
	term.Note(o.Factory.Streams, "%d deleted in %s, and listed again: %d left", len(r.Deleted), o.where(r), len(r.Left))
	if o.Output == "json" {
		if err := term.JSON(o.Factory.Streams, r); err != nil {
			return err
		}
	} else if len(r.Left) > 0 {
		if err := o.table(r.Left); err != nil {
			return err
		}
	}
	return o.failed(s, len(r.Left))
}

func (o *Options) reportSweep(s reap.Sweep) {
	for _, outcome := range s.Outcomes {
		switch {
		case outcome.Gone():
		case outcome.InUse:
			term.Note(o.Factory.Streams, "%s %s is in use and stays", outcome.Kind, outcome.ID)
		default:
			term.Note(o.Factory.Streams, "%s %s stays: %v", outcome.Kind, outcome.ID, awsx.Explain(outcome.Err))
		}
	}
}

// failed is the error of what is left, why was told, and of what could not be
// looked at.
func (o *Options) failed(s *survey, left int) error {
	err := s.wholeErr
	sweeps := []reap.Sweep{s.whole}
	for _, p := range s.places {
		sweeps = append(sweeps, p.sweep)
		if p.err != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", p.region.Name, p.err))
		}
	}
	next := "run " + o.Again + " again in a few minutes"
	asOther := "docs/iam-permissions.md says what it takes; run " + o.Again + " again as somebody who may"
	if o.Living && s.blind() {
		err, next = errors.Join(err, errors.New("you may not see all that there may be, as said above")), asOther
	}
	failed := 0
	for _, sweep := range sweeps {
		for _, outcome := range sweep.Outcomes {
			if outcome.Err != nil {
				failed++
			}
			if awserr.IsDenied(outcome.Err) {
				next = asOther
			}
		}
	}
	left = max(left, failed)
	switch {
	case left == 0 && err == nil:
		return nil
	case left == 0:
		err = fmt.Errorf("not all could be looked at or done: %w", err)
	case err == nil:
		err = fmt.Errorf("%d could not be deleted: AWS still lists them", left)
	default:
		err = fmt.Errorf("%d could not be deleted: %w", left, err)
	}
	return &problem.Error{Kind: problem.Partial, Err: err, Next: next}
}
