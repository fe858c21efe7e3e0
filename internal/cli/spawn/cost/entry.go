package cost

import (
	"cmp"
	"time"

	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// entry is an instance and what it costs. What is not known is null.
type entry struct {
	ID      string           `json:"id"`
	Name    string           `json:"name"`
	Type    string           `json:"instance_type"`
	Region  string           `json:"region"`
	Market  lifecycle.Market `json:"market"`
	State   lifecycle.State  `json:"state"`
	From    time.Time        `json:"started"` // its last start
	To      *time.Time       `json:"stopped"` // null while it runs, and when it is not known
	Compute price.Cost       `json:"compute_so_far"`
	Disk    price.Cost       `json:"disk_so_far"`
	Address price.Cost       `json:"public_ipv4_so_far"`
	Total   price.Cost       `json:"total_so_far"`
	ToCome  price.Cost       `json:"total_to_come"`
	Costs   *price.Bill      `json:"costs"` // by the hour; null when it has ended

	bill     price.Bill
	deadline time.Time
}

// totals are all entries, and their sums.
type totals struct {
	Instances []entry    `json:"instances"`
	SoFar     price.Cost `json:"total_so_far"`
	AtMost    price.Cost `json:"total_to_come"`
	Sources   []string   `json:"sources"`
}

// restartAfter is how much later than its launch an instance's last start is, if
// it is another one.
const restartAfter = 10 * time.Minute

// newEntry counts compute and address from the last start until the instance was
// stopped, and disk from the launch until it ended. What happened before the
// last start EC2 does not tell: it makes the cost "at least". So does an end
// whose time is not known.
func newEntry(in instance.Placed, volumes []price.Volume, now time.Time) entry {
	e := entry{
		ID: in.ID, Name: in.Name, Type: in.Type, Region: in.Region, Market: in.Market, State: in.State, From: in.Launched, deadline: in.Tags.Deadline.Time(),
		bill: price.Resources{
			Region: in.Region, Type: in.Type, Compute: in.Hourly(in.Region), PaidAhead: in.Market == lifecycle.CapacityBlock,
			Volumes: volumes, PublicIPv4: in.PublicIP != "",
		}.Bill(),
	}
	ran, existed := now.Sub(in.Launched), now.Sub(born(in))
	if !e.runs() {
		ran = in.Changed.Sub(in.Launched)
		if in.Changed.Before(in.Launched) {
			ran = 0 // unknown, see below
		} else {
			e.To = &in.Changed
		}
	}
	e.Compute, e.Address, e.Disk = e.bill.Compute.Over(ran), e.bill.Address.Over(ran), e.bill.Disk.Over(existed)
	unknown, restarted := price.Cost{}, in.Launched.Sub(born(in)) > restartAfter
	if restarted {
		e.Compute = e.Compute.Add(unknown)
	}
	if !e.runs() && e.To == nil {
		e.Compute = unknown
	}
	if !e.runs() || restarted {
		e.Address = unknown // it is gone from EC2's answer, or was another one before
	}
	if in.State.Ended() {
		e.Disk, e.ToCome = unknown, price.Sum().Over(0)
	} else {
		e.Costs, e.ToCome = &e.bill, e.toCome(now)
	}
	e.Total = e.Compute.Add(e.Disk).Add(e.Address)
	return e
}

// born is when the instance was launched.
func born(in instance.Placed) time.Time {
	if in.Tags.Created.IsZero() || in.Tags.Created.After(in.Launched) {
		return in.Launched
	}
	return in.Tags.Created
}

// toCome is what it costs from now until its deadline, if it stays as it is.
func (e entry) toCome(now time.Time) price.Cost {
	if e.deadline.IsZero() {
		return price.Cost{}
	}
	return e.rate().Over(max(0, e.deadline.Sub(now)))
}

func (e entry) runs() bool {
	return e.State == lifecycle.StateRunning || e.State == lifecycle.StatePending
}

// rate is what it costs an hour as it is.
func (e entry) rate() price.Price {
	if e.runs() {
		return e.bill.Running()
	}
	return e.bill.Stopped()
}

func view(entries []entry, now time.Time) form.View[entry] {
	text := func(title string) form.Column { return form.Column{Column: term.Column{Title: title}} }
	figure := func(title string) form.Column { return form.Column{Column: term.Column{Title: title, Right: true}} }
	spare := func(n int, c form.Column) form.Column {
		c.Spare = n
		return c
	}
	wide := func(c form.Column) form.Column {
		c.Wide = true
		return c
	}
	v := form.View[entry]{Records: entries, Columns: []form.Column{
		text("NAME"), spare(4, text("TYPE")), spare(3, text("REGION")), spare(6, text("MARKET")), spare(1, text("STATE")), spare(2, text("STARTED")), spare(5, text("STOPPED")),
		spare(7, wide(figure("COMPUTE"))), spare(7, wide(figure("DISK"))), spare(7, wide(figure("ADDRESS"))), figure("SO FAR"), figure("TO COME"), spare(8, wide(text("ID"))),
	}}
	for _, e := range entries {
		v.Cells = append(v.Cells, []string{
			cmp.Or(e.Name, e.ID), e.Type, e.Region, string(e.Market), string(e.State), term.Moment(e.From, now), stopped(e, now),
			e.Compute.String(), e.Disk.String(), e.Address.String(), e.Total.String(), e.ToCome.String(), e.ID,
		})
	}
	return v
}

func stopped(e entry, now time.Time) string {
	switch {
	case e.To != nil:
		return term.Moment(*e.To, now)
	case e.runs():
		return "not yet"
	default:
		return term.Unknown
	}
}
