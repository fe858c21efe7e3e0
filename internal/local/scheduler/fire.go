package scheduler

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// delivery is a call to a target that is under way; its key in the table is its
// ID. It does not need its schedule, which may be gone already.
type delivery struct {
	ID      string
	ARN     string // of the schedule
	Region  string
	Group   string
	Target  Target
	Since   time.Time // when it should have happened
	Due     time.Time // when it is tried next
	Attempt int       // how often it was tried
}

// Resume sets the timer to what comes next. Everything that changes when that
// is calls it; so does whoever put the tables' rows back after a restart.
func (s *Service) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	err := s.Store.View(func(tx *store.Tx) error {
		for _, x := range s.schedules.All(tx) {
			if !x.Next.IsZero() {
				sooner(x.due())
			}
		}
		for _, d := range s.deliveries.All(tx) {
			sooner(d.Due)
		}
		for _, g := range s.groups.All(tx) {
			sooner(g.Gone)
		}
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("scheduler: reading what comes next failed: %v", err)) // nothing above fails
	}
	if !next.IsZero() {
		s.timer = s.Clock.AfterFunc(max(0, next.Sub(s.Clock.Now())), s.tick)
	}
}

// tick does what is due and sets the timer again.
func (s *Service) tick() {
	defer s.Resume()
	var ready []delivery
	err := s.Store.Update(func(tx *store.Tx) error {
		s.removeGroups(tx)
		for _, x := range s.schedules.All(tx) {
			if !x.Next.IsZero() && !x.due().After(tx.Now()) {
				if err := s.fire(tx, x); err != nil {
					return err
				}
			}
		}
		for _, d := range s.deliveries.All(tx) {
			if !d.Due.After(tx.Now()) {
				ready = append(ready, d)
			}
		}
		return nil
	})
	if err != nil {
		s.Log.Error("schedules that are due could not be fired", "error", err)
		return
	}
	for _, d := range ready {
		s.deliver(d)
	}
}

// removeGroups removes the groups whose deletion has come to its end, with what
// is in them.
func (s *Service) removeGroups(tx *store.Tx) {
	for _, g := range s.groups.All(tx) {
		if g.Gone.IsZero() || g.Gone.After(tx.Now()) {
			continue
		}
		for _, x := range s.in(tx, g.Region, g.Name) {
			s.schedules.Delete(tx, x.ARN)
		}
		s.groups.Delete(tx, s.groupARN(g.Region, g.Name))
	}
}

// fire sends one invocation of a schedule off and works out when the next one
// is. After the last one the schedule is deleted if it is so set, however the
// invocation ends; one that repeats without an EndDate has no last one.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html
func (s *Service) fire(tx *store.Tx, x Schedule) error {
	d := x.delivery()
	d.Due = tx.Now()
	s.deliveries.Put(tx, d.ID, d)
	t, err := parseExpression(x.Settings.Expression, x.Settings.Timezone)
	if err != nil {
		return fmt.Errorf("read the expression of %s again: %w", x.ARN, err)
	}
	next, comes := t.next(x.Next.Add(time.Nanosecond), anchor(x.Settings, x.Modified), x.Settings.End)
	switch {
	case comes:
		x.Next = next
	case x.Settings.After == "DELETE":
		s.schedules.Delete(tx, x.ARN)
		return nil
	default:
		x.Next = time.Time{}
	}
	s.schedules.Put(tx, x.ARN, x)
	return nil
}

// delivery is the call that the schedule makes at its next time.
func (x Schedule) delivery() delivery {
	return delivery{ID: call.NewRequestID(), ARN: x.ARN, Region: x.Region, Group: x.Group, Target: x.Settings.Target, Since: x.Next}
}

// lease is when a call is tried again whose outcome nobody noted, because the
// cloud ended meanwhile.
const lease = 15 * time.Minute

// deliver calls a target once, as the schedule's role.
func (s *Service) deliver(d delivery) {
	d.Attempt++
	d.Due = s.Clock.Now().Add(lease)
	var who Invocation
	err := s.Store.Update(func(tx *store.Tx) (err error) {
		s.deliveries.Put(tx, d.ID, d)
		who, err = s.prepare(tx, d)
		return err
	})
	if err != nil {
		s.settle(d, err)
		return
	}
	s.Cloud.Invoke(who, func(err error) { s.settle(d, err) })
}

// prepare makes a delivery into a call: what it says, and who makes it.
func (s *Service) prepare(tx *store.Tx, d delivery) (Invocation, error) {
	o, known := operationOf(d.Target.Arn)
	if !known {
		return Invocation{}, errValidation("There is no target %s", d.Target.Arn)
	}
	form, err := o.form(d.Target.Input)
	if err != nil {
		return Invocation{}, errValidation("%v", err)
	}
	role, may := s.assume(tx, d.Region, d.Group, d.Target.RoleArn)
	who, found := s.IAM.Session(tx, role, sessionName(d.ARN), "")
	if !may || !found {
		return Invocation{}, wire.Statusf(http.StatusForbidden, "AccessDenied", "%s may not assume %s", principal, d.Target.RoleArn)
	}
	return Invocation{Principal: who, Region: d.Region, Service: o.service, Action: o.action, Form: form}, nil
}

// settle notes how a call went. What was throttled or lost is tried again later,
// within the retry policy; every other refusal is final.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
func (s *Service) settle(d delivery, outcome error) {
	attempts, age := d.Target.bounds()
	d.Due = s.Clock.Now().Add(backoff(d.Attempt))
	again := outcome != nil && isPassing(outcome) && d.Attempt <= attempts && !d.Due.After(d.Since.Add(age))
	if outcome != nil {
		s.Log.Warn("a schedule's target refused", "schedule", d.ARN, "target", d.Target.Arn, "again", again, "error", outcome)
	}
	err := s.Store.Update(func(tx *store.Tx) error {
		if again {
			s.deliveries.Put(tx, d.ID, d)
		} else {
			s.deliveries.Delete(tx, d.ID)
		}
		tx.AfterCommit(s.Resume)
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("scheduler: noting a delivery failed: %v", err)) // nothing above fails
	}
}

// sessionName is how the role's session is called: always the same for one
// schedule. AWS does not say what its own look like.
func sessionName(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return hex.EncodeToString(sum[:16])
}

// backoff is how long the n-th failure is waited after: a second, then twice as
// long each time, up to a quarter of an hour. AWS says exponential and no more.
func backoff(n int) time.Duration {
	return min(15*time.Minute, time.Second<<min(n-1, 10))
}

// isPassing tells whether trying again can help: the service was throttling or
// broken, or never answered.
func isPassing(err error) bool {
	var answer *wire.Error
	if !errors.As(err, &answer) {
		return true
	}
	return answer.Status >= http.StatusInternalServerError || answer.Status == http.StatusTooManyRequests ||
		slices.Contains([]string{"RequestLimitExceeded", "Throttling", "ThrottlingException"}, answer.Code)
}
