// Package cost is "spawn cost".
package cost

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Output  string
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Show what ran, when, and what it cost",
		Long: `Show what your instances have cost and will cost, in all regions, part by part,
by list prices: living ones, and ended ones as long as EC2 shows them, about an
hour. Earlier ones are on AWS's bill alone. What is unknown is in no sum, and the
sum is then marked: ">=" is at least.`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return costRun(cmd.Context(), o) },
	}
	cmd.Flags().StringVarP(&o.Output, "output", "o", string(form.Table), "how to show it, a `form`: "+form.Alternatives(form.All()))
	f.CloudFlags(cmd)
	return cmd
}

func costRun(ctx context.Context, o *Options) error {
	as, err := form.Parse(o.Output, true, form.Table)
	if err != nil {
		return err
	}
	target, found, unseen, err := o.Factory.List(ctx)
	if err != nil {
		return err
	}
	s := o.Factory.Streams
	for _, u := range unseen {
		term.Note(s, "%s was not looked at, and what runs there is in no sum: %v", u.Region, awsx.Explain(u.Err))
	}
	done := s.Wait("asking about their disks")
	volumes, failed := volumesIn(ctx, target, found)
	done()
	for region, err := range failed {
		term.Note(s, "the disks in %s are unknown: %v", region, awsx.Explain(err))
	}
	now := target.Clock.Now()
	entries := make([]entry, len(found))
	for i, in := range found {
		entries[i] = newEntry(in, volumes[in.ID], now)
	}
	return show(s, as, entries, now)
}

// volumesIn reads the volumes of all living instances, every region at once. The
// regions that could not be asked are told with the reason.
func volumesIn(ctx context.Context, target *awsx.Target, found []instance.Placed) (map[string][]price.Volume, map[string]error) {
	ids := map[string][]string{}
	for _, in := range found {
		if !in.State.Ended() {
			ids[in.Region] = append(ids[in.Region], in.ID)
		}
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	volumes, failed := map[string][]price.Volume{}, map[string]error{}
	for region, some := range ids {
		all.Go(func() {
			read, err := instance.VolumesOf(ctx, target.EC2In(region), some)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[region] = err
				return
			}
			for id, disks := range read {
				for _, d := range disks {
					volumes[id] = append(volumes[id], price.Volume{Type: d.Type, SizeGiB: d.SizeGiB})
				}
			}
		})
	}
	all.Wait()
	return volumes, failed
}

// sum adds up what the entries have cost.
func sum(entries []entry, of func(entry) price.Cost) price.Cost {
	total := price.Sum().Over(0)
	for _, e := range entries {
		total = total.Add(of(e))
	}
	return total
}

// sources are where the prices come from, each once, in a fixed order.
func sources(entries []entry) []string {
	var out []string
	for _, e := range entries {
		for _, part := range e.bill.Parts() {
			if part.Price.Known() {
				out = append(out, part.Name+": "+term.Provenance(part.Price))
			} else {
				out = append(out, part.Name+" of some: "+term.Unknown)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// show writes the entries, their total, and on a terminal what is to come.
func show(s term.Streams, as form.Form, entries []entry, now time.Time) error {
	t := totals{
		Instances: entries, SoFar: sum(entries, func(e entry) price.Cost { return e.Total }),
		AtMost: sum(entries, func(e entry) price.Cost { return e.ToCome }), Sources: sources(entries),
	}
	if as == form.JSON || as == form.YAML {
		return form.WriteData(s, as, t)
	}
	if len(entries) == 0 && as.ForEyes() {
		term.Note(s, "nothing runs, and nothing has ended that EC2 still shows")
		return nil
	}
	if err := view(entries, now).Write(s, as); err != nil || !as.ForEyes() {
		return err
	}
	if err := term.Pairs(s, [][2]string{{"so far", t.SoFar.String()}, {"to come", t.AtMost.String() + " until their deadlines, if nothing is ended before"}}); err != nil {
		return err
	}
	for _, source := range t.Sources {
		term.Note(s, "%s", source)
	}
	return plot(s, entries, now)
}
