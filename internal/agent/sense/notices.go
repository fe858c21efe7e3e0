package sense

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

const (
	// Where EC2 gives notice, below meta-data.
	//
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
	actionPath    = "spot/instance-action"
	timePath      = "spot/termination-time"
	rebalancePath = "events/recommendations/rebalance"
	scheduledPath = "events/maintenance/scheduled"

	// How the instance was bought: EC2 interrupts none that is onDemand.
	//
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
	lifeCyclePath = "instance-life-cycle"
	onDemand      = "on-demand"

	maxNotice = 16 << 10 // bytes
	maxEvents = 20       // of the scheduled events of one instance, that are read

	// An interruption comes two minutes after its notice; EC2's advice is to
	// look every 5 s, and the caller's pace is no slower. A recommendation and
	// maintenance are not urgent, and on an instance that EC2 does not interrupt
	// nothing is: each look costs it processor time all its life.
	othersEvery = time.Minute

	// sameNotice is by how much the time of a notice may move from one reading
	// to the next while it is the same notice. EC2 fixes it; the service of
	// amazon-ec2-metadata-mock says "in two minutes" each time it is asked.
	sameNotice = 10 * time.Minute
)

// Notices reads what EC2 says will happen to the instance.
type Notices struct {
	metadata *Metadata
	elapsed  func() time.Duration
	bought   bool // it is known how the instance was bought
	spot     source
	balance  source
	events   source
}

// source is a place where notices stand, and those that stood there last.
type source struct {
	every time.Duration // the shortest pause between two looks
	read  bool
	at    time.Duration
	stand []core.Notice
}

// NewNotices reads notices by metadata; elapsed is a clock that never leaps.
func NewNotices(metadata *Metadata, elapsed func() time.Duration) *Notices {
	return &Notices{
		metadata: metadata,
		elapsed:  elapsed,
		balance:  source{every: othersEvery},
		events:   source{every: othersEvery},
	}
}

// Read returns the notices that stand. An error says that a place could not be
// read or understood: that is not word that nothing stands there, so what stood
// there before is returned with the error. It must not be called twice at the
// same time.
func (n *Notices) Read(ctx context.Context) ([]core.Notice, error) {
	now := n.elapsed()
	err := errors.Join(
		n.setPace(ctx),
		n.spot.look(ctx, now, n.interruption),
		n.balance.look(ctx, now, n.rebalance),
		n.events.look(ctx, now, n.scheduled),
	)
	var all []core.Notice
	for _, s := range []source{n.spot, n.balance, n.events} {
		all = append(all, s.stand...)
	}
	return all, err
}

// setPace learns once how the instance was bought. All but an on-demand instance
// may be interrupted, and so may one of which that is not known.
func (n *Notices) setPace(ctx context.Context) error {
	if n.bought {
		return nil
	}
	how, _, err := n.metadata.optional(ctx, lifeCyclePath)
	if err != nil {
		return err
	}
	n.bought = true
	if how == onDemand {
		n.spot.every = othersEvery
	}
	return nil
}

// look reads the place if it is time. After a failure it is time at once.
func (s *source) look(ctx context.Context, now time.Duration, read func(context.Context) ([]core.Notice, error)) error {
	if s.read && now < s.at+s.every {
		return nil
	}
	stand, err := read(ctx)
	s.read, s.at = err == nil, now
	if err != nil {
		return err
	}
	for i := range stand {
		stand[i].ID = s.identify(stand[i])
	}
	s.stand = stand
	return nil
}

// identify is the identity of a notice: its own, or that of the one of the same
// kind and time that stood before, or its kind and time.
func (s *source) identify(n core.Notice) string {
	if n.ID != "" {
		return n.ID
	}
	for _, before := range s.stand {
		moved := n.At.Sub(before.At).Abs()
		if before.Kind == n.Kind && before.Action == n.Action && moved <= sameNotice {
			return before.ID
		}
	}
	return fmt.Sprintf("%s %s %s", n.Kind, n.Action, n.At.UTC().Format(time.RFC3339))
}

// interruption reads the notice of a Spot interruption. What cannot be
// understood is looked up in the older place, which has the time of a
// termination alone.
func (n *Notices) interruption(ctx context.Context) ([]core.Notice, error) {
	text, there, err := n.metadata.optional(ctx, actionPath)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, nil
	}
	notice, err := parseInterruption(text)
	if err == nil {
		return []core.Notice{notice}, nil
	}
	at, there, older := n.metadata.optional(ctx, timePath)
	if older != nil || !there {
		return nil, errors.Join(err, older)
	}
	t, older := time.Parse(time.RFC3339, at)
	if older != nil {
		return nil, errors.Join(err, fmt.Errorf("%s says %.40q", timePath, at))
	}
	return []core.Notice{{Kind: core.SpotInterruption, Action: "terminate", At: t}}, nil
}

// parseInterruption reads spot/instance-action. An interruption whose time
// cannot be read is one all the same.
func parseInterruption(text string) (core.Notice, error) {
	var said struct{ Action, Time string }
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return core.Notice{}, fmt.Errorf("%s says %.40q", actionPath, text)
	}
	switch said.Action {
	case "terminate", "stop", "hibernate":
	default:
		return core.Notice{}, fmt.Errorf("%s names the action %.40q", actionPath, said.Action)
	}
	at, err := time.Parse(time.RFC3339, said.Time)
	if err != nil {
		at = time.Time{}
	}
	return core.Notice{Kind: core.SpotInterruption, Action: said.Action, At: at}, nil
}

func (n *Notices) rebalance(ctx context.Context) ([]core.Notice, error) {
	text, there, err := n.metadata.optional(ctx, rebalancePath)
	if err != nil || !there {
		return nil, err
	}
	notice, err := parseRebalance(text)
	if err != nil {
		return nil, err
	}
	return []core.Notice{notice}, nil
}

// parseRebalance reads events/recommendations/rebalance. That it is there is
// the word; its time says since when.
func parseRebalance(text string) (core.Notice, error) {
	var said struct{ NoticeTime string }
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return core.Notice{}, fmt.Errorf("%s says %.40q", rebalancePath, text)
	}
	at, err := time.Parse(time.RFC3339, said.NoticeTime)
	if err != nil {
		return core.Notice{}, fmt.Errorf("%s names the time %.40q", rebalancePath, said.NoticeTime)
	}
	return core.Notice{Kind: core.Rebalance, At: at}, nil
}

func (n *Notices) scheduled(ctx context.Context) ([]core.Notice, error) {
	text, there, err := n.metadata.optional(ctx, scheduledPath)
	if err != nil || !there {
		return nil, err
	}
	return parseScheduled(text)
}

// parseScheduled reads events/maintenance/scheduled: the events that are still
// to come, each with its own identity.
func parseScheduled(text string) ([]core.Notice, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var said []struct{ Code, State, EventId, NotBefore string }
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return nil, fmt.Errorf("%s says %.40q", scheduledPath, text)
	}
	var notices []core.Notice
	for _, e := range said[:min(len(said), maxEvents)] {
		if e.State == "completed" || e.State == "canceled" {
			continue
		}
		if e.Code == "" && e.EventId == "" {
			return nil, fmt.Errorf("%s has an event that says nothing", scheduledPath)
		}
		at, err := time.Parse("2 Jan 2006 15:04:05 MST", e.NotBefore)
		if err != nil {
			at = time.Time{} // it will happen, at an unknown time
		}
		notices = append(notices, core.Notice{
			Kind: core.ScheduledEvent, ID: printable(e.EventId), Action: printable(e.Code), At: at,
		})
	}
	return notices, nil
}
