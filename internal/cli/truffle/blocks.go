package truffle

import (
	"strconv"
	"time"

	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

func showBlocks(opts capacityOptions, known find.Known) error {
	rows, explanation, err := find.Blocks(known, opts.Query)
	if err != nil {
		return err
	}
	v := view[blockRecord]{columns: blockColumns()}
	for _, r := range rows {
		v.cells = append(v.cells, blockCells(r, opts.Query.Now))
		v.records = append(v.records, newBlockRecord(r))
	}
	v.notes = capacityMissing(explanation)
	if opts.Shared.Output.ForEyes() {
		v.notes = append(v.notes, told(known, opts.Query.Regions, func(r market.Region) time.Time { return r.Blocks.AsOf })...)
	}
	return show(opts.Factory, opts.Shared, v)
}

// blockRecord is a Capacity Block for sale. It has no instance_type, so that no
// reader of offers takes it for something to launch: that would be an instance
// on demand, at another price and perhaps without capacity.
type blockRecord struct {
	ID        string     `json:"capacity_block_offering_id"`
	Type      string     `json:"block_instance_type"`
	Region    string     `json:"region"`
	Zone      string     `json:"availability_zone"`
	Instances int        `json:"instances"`
	Hours     int        `json:"hours"`
	Start     *time.Time `json:"start"`
	End       *time.Time `json:"end"`
	FeeUSD    *float64   `json:"fee_usd"` // for all of it, in advance
}

func newBlockRecord(r find.BlockRow) blockRecord {
	b := r.Block
	return blockRecord{b.ID, b.Type, r.Region, b.Zone, b.Instances, b.Hours, moment(b.Start), moment(b.End), b.Fee.USD()}
}

func blockColumns() []form.Column {
	return []form.Column{
		{Column: term.Column{Title: "TYPE"}},
		{Column: term.Column{Title: "ZONE"}},
		{Column: term.Column{Title: "INSTANCES", Right: true}},
		{Column: term.Column{Title: "HOURS", Right: true}},
		{Column: term.Column{Title: "FEE IN ADVANCE", Right: true}},
		{Column: term.Column{Title: "START"}},
		{Column: term.Column{Title: "END"}},
		{Column: term.Column{Title: "OFFERING"}},
		{Column: term.Column{Title: "GPU"}, Wide: true},
		{Column: term.Column{Title: "VCPU", Right: true}, Wide: true},
		{Column: term.Column{Title: "MEMORY GiB", Right: true}, Wide: true},
	}
}

func blockCells(r find.BlockRow, now time.Time) []string {
	b := r.Block
	return []string{
		b.Type, b.Zone, strconv.Itoa(b.Instances), strconv.Itoa(b.Hours), b.Fee.String(),
		term.Moment(b.Start, now), term.Moment(b.End, now), b.ID,
		accelerators(r.Type), term.Count(r.Type.VCPUs), term.GiB(r.Type.MemoryMiB),
	}
}
