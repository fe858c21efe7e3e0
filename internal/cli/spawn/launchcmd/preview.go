package launchcmd

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/market/quotas"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/term"
)

// preview shows what a launch would do, as data.
func (o *Options) preview(ctx context.Context, t *awsx.Target, p launch.Plan) error {
	done := o.Factory.Streams.Wait("finding out what would be done")
	defer done()
	seen, err := o.launcher(ctx, t, func(launch.Event) {}).Preview(ctx, p)
	if err != nil {
		return err
	}
	first := p.First()
	d := described{
		Preview: seen, bill: first.Bill(p.Region, !p.Chosen.NoPublicIP),
		quota: previewQuota(ctx, t, p.Region, first),
	}
	done()
	if o.Output == "json" {
		return term.JSON(o.Factory.Streams, d.data())
	}
	return term.Pairs(o.Factory.Streams, d.lines(t.Clock.Now()))
}

// described is a preview with what the launcher does not know of.
type described struct {
	launch.Preview
	bill  price.Bill
	quota quota
}

// quota is how many vCPUs of the type's class the account may run in the region.
type quota struct {
	Known bool   `json:"known"`
	Name  string `json:"name,omitempty"`
	VCPUs int    `json:"vcpus"`
	Why   string `json:"why,omitempty"` // it is not known
}

// previewQuota asks for the quota that holds the candidate.
func previewQuota(ctx context.Context, t *awsx.Target, region string, c launch.Candidate) quota {
	if c.Market == lifecycle.CapacityBlock || c.Reservation != nil {
		return quota{Why: "capacity is reserved"}
	}
	held, err := quotaOf(t, region)(ctx, c)
	switch {
	case err != nil:
		return quota{Why: awsx.Explain(err).Error()}
	case !held.Known:
		return quota{Why: "Service Quotas names none for this type"}
	}
	return quota{Known: true, Name: held.Name, VCPUs: held.VCPUs}
}

// quotaOf asks Service Quotas, in a region, for the quota that holds a candidate.
func quotaOf(t *awsx.Target, region string) func(context.Context, launch.Candidate) (launch.Quota, error) {
	return func(ctx context.Context, c launch.Candidate) (launch.Quota, error) {
		all, err := quotas.All(ctx, servicequotas.NewFromConfig(t.Config(), func(o *servicequotas.Options) { o.Region = region }))
		if err != nil {
			return launch.Quota{}, err
		}
		held := find.QuotaOf(all, c.Type, c.Market == lifecycle.Spot)
		return launch.Quota{Known: held.Known, Name: held.Name, VCPUs: held.VCPUs}, nil
	}
}

// lines are the preview for a person.
func (d described) lines(now time.Time) [][2]string {
	p, c := d.Plan, d.Plan.First()
	lines := [][2]string{
		{"launch", d.what()},
		{"where", d.where()},
		{"image", fmt.Sprintf("%s, %s: %s", c.Image.Name, c.Image.Why, c.Image.ID())},
		{"disk", disk(c) + ", encrypted, deleted with it"},
		{"log in as", cmp.Or(c.Image.User, term.Unknown)},
		{"SSH from", d.sshFrom()},
		{"ends", fmt.Sprintf("%s, in %s (%s)", term.Moment(d.Deadline.Time(), now), term.Span(p.Lifetime.TTL), p.Lifetime.Reason)},
		{"when idle", cmp.Or(launch.DescribeIdle(p.Idle), "nothing is done")},
		{"costs", term.Costs(d.bill)},
		{"in total", d.bill.Over(p.Lifetime.TTL).String() + d.times()},
	}
	for _, part := range term.CostParts(d.bill) {
		lines = append(lines, [2]string{"price", part})
	}
	if more := term.CostsOnTop(d.bill); more != "" {
		lines = append(lines, [2]string{"on top", more})
	}
	for _, piece := range d.Pieces {
		lines = append(lines, [2]string{string(piece.Step), pieceLine(piece)})
	}
	lines = append(lines, [2]string{"user-data", d.userData()})
	for _, key := range slices.Sorted(maps.Keys(d.Tags)) {
		lines = append(lines, [2]string{"tag", key + "=" + d.Tags[key]})
	}
	lines = append(lines, d.rightsLines()...)
	lines = append(lines, [2]string{"quota", d.quotaLine()})
	for _, note := range p.Notes {
		lines = append(lines, [2]string{"note", note})
	}
	return append(lines, [2]string{"done", "nothing: this was a dry run"})
}

func (d described) what() string {
	p, c := d.Plan, d.Plan.First()
	what := fmt.Sprintf("%s (%s vCPU, %s, %s)", c, term.Count(c.Type.VCPUs), term.Memory(c.Type.MemoryMiB), c.Architecture)
	if p.Count > 1 {
		what = fmt.Sprintf("%d × %s", p.Count, what)
	}
	return what + ", called " + p.Name
}

func (d described) where() string {
	c := d.Plan.First()
	where := d.Plan.Region
	if len(c.Zones) > 0 {
		where = strings.Join(c.Zones, ", then ")
	}
	if others := d.Plan.Candidates[1:]; len(others) > 0 {
		where += "; if there is no capacity: " + instead(others)
	}
	return where
}

func (d described) sshFrom() string {
	if d.Plan.Chosen.Group != "" {
		return "as " + d.Plan.Chosen.Group + " says"
	}
	return d.Source.String()
}

func (d described) times() string {
	if d.Plan.Count > 1 {
		return " each"
	}
	return ""
}

func pieceLine(p launch.Piece) string {
	switch p.There {
	case launch.Yes:
		return p.What
	case launch.No:
		return p.What + ": will be made"
	default:
		return p.What + ": " + term.Unknown + " (" + p.Why + ")"
	}
}

func (d described) userData() string {
	size := fmt.Sprintf("%d of %d bytes", d.UserData, launch.MaxUserData)
	if d.Carried {
		size += "; your own is carried by the bucket"
	}
	return size
}

func (d described) rightsLines() [][2]string {
	lines := [][2]string{{"permitted", map[launch.Answer]string{
		launch.Yes: "yes: EC2 would take this request", launch.No: "no: " + d.Rights.Why, launch.Unknown: term.Unknown + ": " + d.Rights.Why,
	}[d.Rights.Launch]}}
	switch {
	case d.Rights.Unknown != "":
		lines = append(lines, [2]string{"rights", term.Unknown + ": " + d.Rights.Unknown})
	case len(d.Rights.Missing) == 0:
		lines = append(lines, [2]string{"rights", "nothing is missing"})
	}
	for _, purpose := range slices.Sorted(maps.Keys(d.Rights.Missing)) {
		lines = append(lines, [2]string{"rights", "missing to " + purpose + ": " + strings.Join(d.Rights.Missing[purpose], ", ")})
	}
	return lines
}

func (d described) quotaLine() string {
	c := d.Plan.First()
	need := c.Type.VCPUs * d.Plan.Count
	if !d.quota.Known {
		return term.Unknown + ": " + d.quota.Why
	}
	line := fmt.Sprintf("%d vCPUs of this class may run at once; this needs %s", d.quota.VCPUs, term.Count(need))
	if c.Type.VCPUs > 0 && need > d.quota.VCPUs {
		line += ": too many, ask for a higher quota at Service Quotas"
	}
	return line
}

// data is the preview as JSON. What is not known is null or "unknown".
func (d described) data() any {
	p, c := d.Plan, d.Plan.First()
	type candidate struct {
		Type         string           `json:"instance_type"`
		Market       lifecycle.Market `json:"market"`
		Zones        []string         `json:"availability_zones"`
		Architecture string           `json:"architecture"`
		HourlyUSD    *float64         `json:"usd_per_hour"`
		PriceSource  string           `json:"price_source,omitempty"`
		PriceAsOf    string           `json:"price_as_of,omitempty"`
	}
	type piece struct {
		Part  launch.Step   `json:"part"`
		What  string        `json:"what"`
		There launch.Answer `json:"there"`
		Why   string        `json:"why,omitempty"`
	}
	candidates := make([]candidate, len(p.Candidates))
	for i, c := range p.Candidates {
		candidates[i] = candidate{c.Type.Name, c.Market, c.Zones, c.Architecture, c.Price.USD(), c.Price.Source, c.Price.AsOf}
	}
	pieces := make([]piece, len(d.Pieces))
	for i, needed := range d.Pieces {
		pieces[i] = piece{needed.Step, needed.What, needed.There, needed.Why}
	}
	gib, _ := c.RootGiB()
	return map[string]any{
		"name": p.Name, "count": p.Count, "region": p.Region, "candidates": candidates,
		"image":            map[string]any{"id": c.Image.ID(), "name": c.Image.Name, "why": c.Image.Why, "user": known(c.Image.User), "root_device": c.Image.RootDevice},
		"disk":             map[string]any{"type": c.Volume.Type, "gib": knownNumber(gib), "encrypted": true},
		"ssh_from":         d.sshFrom(),
		"deadline":         d.Deadline.Time(),
		"ttl_seconds":      int64(p.Lifetime.TTL.Seconds()),
		"lifetime_reason":  p.Lifetime.Reason,
		"idle":             known(launch.DescribeIdle(p.Idle)),
		"costs":            d.bill,
		"total":            d.bill.Over(p.Lifetime.TTL),
		"account":          pieces,
		"user_data_bytes":  d.UserData,
		"tags":             d.Tags,
		"permitted":        d.Rights.Launch,
		"permitted_why":    known(d.Rights.Why),
		"missing_rights":   d.Rights.Missing,
		"rights_unknown":   known(d.Rights.Unknown),
		"quota":            d.quota,
		"notes":            p.Notes,
		"caller":           d.Caller.ARN,
		"hibernation":      c.Hibernate,
		"spot_interrupted": known(string(c.Interruption)),
	}
}

func known(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func knownNumber(n int) any {
	if n == 0 {
		return nil
	}
	return n
}
