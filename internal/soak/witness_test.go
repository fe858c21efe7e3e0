package soak_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/spawn-ec2/spawn/internal/price"
)

// The bounds, as docs/guarantees are to say them and not as the code has them.
const (
	grace    = 10 * time.Minute // from the deadline until the cloud acts
	every    = 10 * time.Minute // and how often it does
	late     = time.Minute      // Scheduler's precision
	youngest = 15 * time.Minute // furniture younger than that is left alone
	slack    = 30 * time.Second // what an end takes: calls, their retries, shutting down
)

// witness keeps books of its own. It looks through the eyes of the administrator,
// reads tags by itself, and asks no package of spawn what anything means.
type witness struct {
	world   *world
	lives   map[string]*life
	tokens  map[string]map[string]bool // instances by client token
	wanted  map[string]int             // how many instances a launch may have
	excuses map[string]string          // by instance or launch, see excuse
	causes  map[string]string          // by instance or launch, see mayEnd
	asked   map[string][]time.Time     // deadlines that were asked for since the last check, by instance
	foreign string                     // how what is not ours was
	bill    bill
	trouble time.Time // until when calls were made to fail
	checked int       // invariants

	violations []string
}

// life is what the witness knows of an instance of ours.
type life struct {
	id, owner, launch string
	deadline          time.Time // as its tag says
	before            time.Time // as its tag said before
	since             time.Time // when the tag was first seen to say so
	latest            time.Time // the latest deadline that it ever had
	excused           string    // why the cloud's layer may not hold the deadline: somebody was told, or died
	cause             string    // why it may end before its deadline
	ended             bool
}

func newWitness(w *world) *witness {
	return &witness{
		world: w, lives: map[string]*life{}, tokens: map[string]map[string]bool{}, wanted: map[string]int{},
		excuses: map[string]string{}, causes: map[string]string{}, asked: map[string][]time.Time{},
		bill: bill{region: region, seen: map[string]sighting{}, said: price.Sum().Over(0)},
	}
}

func (w *witness) violated(format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// holds counts an invariant and notes where it does not.
func (w *witness) holds(ok bool, format string, args ...any) {
	w.checked++
	if !ok {
		w.violated(format, args...)
	}
}

// check looks at everything. No command and no fault is in progress.
func (w *witness) check(ctx context.Context) error {
	now := time.Now()
	instances, err := w.instances(ctx)
	if err != nil {
		return err
	}
	armed, err := w.schedules(ctx)
	if err != nil {
		return err
	}
	for _, in := range instances {
		tags := tagMap(in.Tags)
		if tags["spawn:managed"] != "true" || tags["spawn:keep"] == "true" {
			continue
		}
		l := w.know(in, tags, now)
		w.countToken(in, tags)
		switch ended := isEnded(in); {
		case ended && !l.ended:
			l.ended = true
			w.endedWell(l, in, now)
		case !ended:
			if err := w.livesWell(ctx, l, in, armed, now); err != nil {
				return err
			}
		}
	}
	clear(w.asked)
	return w.bill.look(ctx, w.world.root.ec2, now)
}

// know updates the books of an instance.
func (w *witness) know(in types.Instance, tags map[string]string, now time.Time) *life {
	id := aws.ToString(in.InstanceId)
	l := w.lives[id]
	if l == nil {
		l = &life{id: id, owner: tags["spawn:owner"], launch: tags["spawn:launch"]}
		l.excused, l.cause = w.excuses[id]+w.excuses[l.launch], w.causes[id]+w.causes[l.launch]
		if aws.ToString(in.ClientToken) == "" {
			l.excused = "EC2 launched it for a persistent Spot request"
		}
		w.lives[id] = l
	}
	at, err := time.Parse(time.RFC3339, tags["spawn:deadline"])
	w.holds(err == nil, "%s has the deadline %q", id, tags["spawn:deadline"])
	if err == nil && !at.Equal(l.deadline) {
		l.before, l.deadline, l.since = l.deadline, at, now
		if l.before.IsZero() {
			l.before = at
		}
		if at.After(l.latest) {
			l.latest = at
		}
	}
	return l
}

// countToken holds that there are not more instances for a token than were asked
// for with it.
func (w *witness) countToken(in types.Instance, tags map[string]string) {
	token := aws.ToString(in.ClientToken)
	if token == "" {
		return
	}
	if w.tokens[token] == nil {
		w.tokens[token] = map[string]bool{}
	}
	w.tokens[token][aws.ToString(in.InstanceId)] = true
	n, known := w.wanted[tags["spawn:launch"]]
	w.holds(known && len(w.tokens[token]) <= n, "the token %s of the launch %s, which wanted %d, made %d instances", token, tags["spawn:launch"], n, len(w.tokens[token]))
}

// endedWell holds that nothing ended an instance early but what may.
func (w *witness) endedWell(l *life, in types.Instance, now time.Time) {
	end := now
	if h := w.world.fleet.host(l.id); h != nil {
		if on := h.spans(); aws.ToString(in.StateReason.Code) == "Client.InstanceInitiatedShutdown" {
			end = on[len(on)-1].to
		}
	}
	// A deadline that was asked for just now may have come too late, or may have
	// been there for a moment before another one.
	soonest := l.deadline
	for _, at := range append(w.asked[l.id], l.before) {
		if len(w.asked[l.id]) > 0 && at.Before(soonest) {
			soonest = at
		}
	}
	early := end.Before(soonest.Add(-time.Second))
	w.holds(!early || l.cause != "", "%s ended at %s, before its deadline %s, and nobody asked for it: %s", l.id, clockTime(end), clockTime(l.deadline), toJSON(in.StateReason))
}

// livesWell holds that an instance is not past what its best layer promises, and
// that its layers are what somebody believes them to be.
func (w *witness) livesWell(ctx context.Context, l *life, in types.Instance, armed map[string]bool, now time.Time) error {
	if until, layer := w.instanceLayer(l); layer != "" {
		w.holds(now.Before(until), "%s lives at %s: its deadline is %s, and its %s had to end it until %s", l.id, clockTime(now), clockTime(l.deadline), layer, clockTime(until))
	}
	due := latest(l.deadline, l.since).Add(grace + every + late + slack)
	if l.excused != "" {
		due = latest(l.latest, l.since).Add(grace + every + late + slack)
	}
	due = latest(due, w.trouble.Add(every+late+slack))
	if armed[l.id] || l.excused == "" {
		w.holds(now.Before(due), "%s lives at %s: its deadline is %s (seen since %s), and the cloud had to end it until %s (armed %v, state %s)",
			l.id, clockTime(now), clockTime(l.deadline), clockTime(l.since), clockTime(due), armed[l.id], in.State.Name)
	}
	if l.excused != "" || !now.Before(l.deadline) {
		return nil
	}
	w.holds(armed[l.id], "%s has no cloud layer, and nobody was told", l.id)
	if armed[l.id] {
		return w.armedRight(ctx, l)
	}
	return nil
}

// settling is how long a cleanup leaves alone what somebody has just written.
const settling = 2 * time.Minute

// forgive ends an excuse after a cleanup, which gives the cloud's layer the time
// of the tag unless somebody may still be at it.
func (w *witness) forgive(ctx context.Context, l *life, began time.Time) error {
	_, written, err := w.acts(ctx, l)
	if err != nil || l.excused != "" && began.Sub(written) < settling+time.Second {
		return err
	}
	l.excused = ""
	return w.armedRight(ctx, l)
}

// acts is when the cloud begins to end an instance, and when that was last
// written.
func (w *witness) acts(ctx context.Context, l *life) (from, written time.Time, err error) {
	s, err := w.world.root.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: aws.String("spawn"), Name: aws.String(l.id)})
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	return aws.ToTime(s.StartDate), aws.ToTime(s.LastModificationDate), nil
}

// armedRight holds that the cloud acts at the right time.
func (w *witness) armedRight(ctx context.Context, l *life) error {
	from, _, err := w.acts(ctx, l)
	if err != nil {
		return err
	}
	w.holds(from.Equal(l.deadline.Add(grace)), "the cloud ends %s from %s on, its deadline is %s, and nobody was told", l.id, clockTime(from), clockTime(l.deadline))
	return nil
}

// instanceLayer is until when what runs on the instance has to end it; "" where
// nothing does, because it is off or hung.
func (w *witness) instanceLayer(l *life) (until time.Time, layer string) {
	h := w.world.fleet.host(l.id)
	if h == nil {
		return time.Time{}, ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	on := h.on[len(h.on)-1]
	if !on.to.IsZero() {
		return time.Time{}, ""
	}
	awake := on.from.Add(sets)
	switch h.health {
	case whole:
		// From the look at which it saw the tag; it may try to call EC2, whose
		// calls may be slow, before it powers off.
		return latest(l.deadline, latest(l.since, awake).Add(looks), w.trouble).Add(tries*slack + slack), "agent"
	case timered:
		return latest(l.deadline, l.since, awake, h.armed.Time()).Add(timerLag + looks + slack), "timer"
	default:
		return time.Time{}, ""
	}
}

// excuse notes that the cloud's layer of an instance, or of all of a launch, may
// not hold the deadline.
func (w *witness) excuse(id, why string) {
	w.excuses[id] = why
	for _, l := range w.lives {
		if l.id == id || l.launch == id {
			l.excused = why
		}
	}
}

// movedInPart notes that a deadline was moved in some layers and not in others, or
// may have been: the cloud may act for any that was asked for.
func (w *witness) movedInPart(id string, to time.Time) {
	w.excuse(id, "its deadline was moved in part")
	if l := w.lives[id]; l != nil {
		l.latest = latest(l.latest, to)
	}
}

// mayEnd notes that an instance, or all of a launch, may end early.
func (w *witness) mayEnd(id, why string) {
	w.causes[id] = why
	for _, l := range w.lives {
		if l.id == id || l.launch == id {
			l.cause = why
		}
	}
}

// instances are all that EC2 shows.
func (w *witness) instances(ctx context.Context) (all []types.Instance, err error) {
	pages := ec2.NewDescribeInstancesPaginator(w.world.root.ec2, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Reservations {
			all = append(all, r.Instances...)
		}
	}
	return all, nil
}

// schedules are the names in the group of ours, if there is one.
func (w *witness) schedules(ctx context.Context) (map[string]bool, error) {
	names := map[string]bool{}
	pages := scheduler.NewListSchedulesPaginator(w.world.root.scheduler, &scheduler.ListSchedulesInput{MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range page.Schedules {
			if aws.ToString(s.GroupName) == "spawn" {
				names[aws.ToString(s.Name)] = true
			}
		}
	}
	return names, nil
}

// cleaned holds what a cleanup that said it was through promises: it began at a
// time, was an owner's (""; everybody's), and nothing else went on meanwhile.
func (w *witness) cleaned(ctx context.Context, owner string, began time.Time) error {
	instances, err := w.instances(ctx)
	if err != nil {
		return err
	}
	armed, err := w.schedules(ctx)
	if err != nil {
		return err
	}
	for _, in := range instances {
		tags := tagMap(in.Tags)
		id, l := aws.ToString(in.InstanceId), w.lives[aws.ToString(in.InstanceId)]
		if l == nil || owner != "" && tags["spawn:owner"] != owner {
			continue
		}
		over := began.After(l.deadline)
		w.holds(isEnded(in) || !over, "%s was past its deadline %s when the cleanup at %s began, and is %s", id, clockTime(l.deadline), clockTime(began), in.State.Name)
		if !isEnded(in) && !over {
			w.holds(armed[id], "%s lives and has no cloud layer after a cleanup", id)
			if armed[id] {
				if err := w.forgive(ctx, l, began); err != nil {
					return err
				}
			}
		}
		for _, name := range []string{id, id + ".request"} {
			w.holds(!l.ended || !armed[name], "the schedule %s is left after a cleanup, and its instance has ended", name)
		}
	}
	return w.nothingLoose(ctx, owner, began)
}

// nothingLoose holds that no volume and no group is left that nothing uses.
func (w *witness) nothingLoose(ctx context.Context, owner string, began time.Time) error {
	volumes, err := w.world.root.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	if err != nil {
		return err
	}
	mine := func(tags map[string]string) bool {
		return tags["spawn:managed"] == "true" && tags["spawn:keep"] != "true" && (owner == "" || tags["spawn:owner"] == owner)
	}
	for _, v := range volumes.Volumes {
		w.holds(v.State != types.VolumeStateAvailable || !mine(tagMap(v.Tags)), "the volume %s is left after a cleanup", aws.ToString(v.VolumeId))
	}
	nics, err := w.world.root.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{})
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, n := range nics.NetworkInterfaces {
		for _, g := range n.Groups {
			used[aws.ToString(g.GroupId)] = true
		}
	}
	groups, err := w.world.root.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		return err
	}
	for _, g := range groups.SecurityGroups {
		tags := tagMap(g.Tags)
		created, err := time.Parse(time.RFC3339, tags["spawn:created"])
		old := err == nil && began.Sub(created) >= youngest
		w.holds(!mine(tags) || used[aws.ToString(g.GroupId)] || !old, "the security group %s is left after a cleanup", aws.ToString(g.GroupName))
	}
	return nil
}

// over holds that nothing of ours is left when all is over.
func (w *witness) over(ctx context.Context) error {
	if err := w.cleaned(ctx, "", time.Now()); err != nil {
		return err
	}
	for _, l := range w.lives {
		w.holds(l.ended, "%s of %s lives at the end, at %s: its deadline is %s", l.id, l.owner, clockTime(time.Now()), clockTime(l.deadline))
	}
	armed, err := w.schedules(ctx)
	if err != nil {
		return err
	}
	w.holds(len(armed) == 0, "schedules are left at the end: %v", armed)
	requests, err := w.world.root.ec2.DescribeSpotInstanceRequests(ctx, &ec2.DescribeSpotInstanceRequestsInput{})
	if err != nil {
		return err
	}
	for _, r := range requests.SpotInstanceRequests {
		w.holds(!slices.Contains([]types.SpotInstanceState{types.SpotInstanceStateOpen, types.SpotInstanceStateActive}, r.State), "the Spot request %s is %s at the end", aws.ToString(r.SpotInstanceRequestId), r.State)
	}
	return nil
}

func isEnded(in types.Instance) bool {
	return in.State.Name == types.InstanceStateNameTerminated || in.State.Name == types.InstanceStateNameShuttingDown
}

func tagMap(tags []types.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

func latest(first time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if t.After(first) {
			first = t
		}
	}
	return first
}

// clockTime is a time of the simulated day, with its number.
func clockTime(t time.Time) string { return t.UTC().Format("02 15:04:05") }
