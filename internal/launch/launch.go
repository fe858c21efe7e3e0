package launch

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// EC2 is all of EC2 that a launch uses.
type EC2 interface {
	account.NetworkAPI
	account.KeyAPI
	reap.API
	ImageReader
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
	RunInstances(context.Context, *ec2.RunInstancesInput, ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error)
}

// Launcher carries plans out.
type Launcher struct {
	EC2        EC2
	STS        account.STS
	IAM        account.RoleAPI
	S3         account.BucketAPI
	Rights     account.RightsAPI                               // asked by previews alone
	Quota      func(context.Context, Candidate) (Quota, error) // nil: left to EC2
	Scheduler  SchedulerAPI
	Scheduled  bool                                                                               // the schedules' role and group are known to be there: made only if that proves wrong
	NoJanitor  bool                                                                               // the cloud is not to take away by itself what launches share
	ObjectURLs func(ctx context.Context, bucket, key string) (plain, presigned string, err error) // where an instance finds an object
	AgentURL   string                                                                             // where an agent is found when there is no bucket; "": nowhere
	Address    func(context.Context) (netip.Prefix, error)                                        // the caller's address
	Cache      account.Cache                                                                      // what is remembered of the account
	Now        func() time.Time                                                                   // the service's clock
	Journals   string                                                                             // the folder of journals
	Endpoint   string                                                                             // handed to the agent; "" is AWS's own
	Patience   time.Duration                                                                      // how long the agent may take to be ready
	Events     func(Event)                                                                        // called by one goroutine at a time
}

// Member is one instance that a launch made.
type Member struct {
	Instance instance.Instance
	Got      Candidate // what was launched of the plan's candidates
	Deadline lifecycle.Deadline
	Ready    bool  // the agent says that it watches the deadline
	Backstop error // why the cloud's layer of the deadline is missing; nil: it is armed
}

// Result is a launch that succeeded, if only in part.
type Result struct {
	Members []Member // at least one
	Short   error    // why there are fewer than the plan wants; nil: there are as many
	Lacks   []Lack   // what they do without
	Unheard bool     // there is no agent that could say it is ready
}

// Bounds of a launch.
const (
	// DefaultPatience is how long a new instance may take to boot and fetch
	// its agent before the launch goes on without hearing from it.
	DefaultPatience = 5 * time.Minute
	bootTimeout     = 5 * time.Minute
	undoTimeout     = 6 * time.Minute
)

// Launch makes the plan's instances, waits until they run and their agents are
// ready, and returns them. When it fails it undoes what it made, and says what
// could not be undone. A running instance whose agent stays silent is not
// undone: Ready is false, and its other layers end it. Of several instances
// those that run are kept, unless the plan wants all or none.
func (l *Launcher) Launch(ctx context.Context, p Plan) (Result, error) {
	run := &running{Launcher: l, plan: p, fresh: map[Step]bool{}, renewed: map[Step]int{}}
	res, err := run.through(ctx)
	run.settleCloud(ctx, res.Members, err)
	res.Lacks = run.lacks
	if err != nil {
		return res, run.undo(ctx, err)
	}
	run.remember()
	return res, run.journal.Done()
}

// remember keeps the facts for the next launch, which can do without.
func (r *running) remember() {
	if err := r.facts.Save(); err != nil {
		r.emit(Noted{err.Error()})
	}
}

// running is one launch in progress.
type running struct {
	*Launcher
	plan     Plan
	who      account.Identity
	facts    *account.Facts
	journal  *journal.Journal
	attempts int          // how many were frozen
	renewed  map[Step]int // how often a fact was gone
	borrowed bool         // the role is used as it is: the launch may not change it
	cloud    cloudLayer

	mu    sync.Mutex    // guards what the parallel steps write
	fresh map[Step]bool // what was provided by this launch, not remembered
	made  []reap.Item   // what must be undone when the launch fails
	lacks []Lack
}

func (r *running) through(ctx context.Context) (Result, error) {
	have, err := r.prepare(ctx)
	if err != nil {
		return Result{}, err
	}
	verified := r.verifyObjects(ctx, have) // beside the request: an instance needs its agent only when it has booted
	got, short := r.obtain(ctx, have)
	if err := verified(); err != nil {
		return Result{}, err
	}
	switch {
	case short == nil:
	case len(got) == 0 || r.plan.AllOrNothing || ctx.Err() != nil || !lacksCapacity(short):
		return Result{}, short
	}
	if err = r.settle(ctx, got); err != nil {
		return Result{}, err
	}
	res := Result{Members: got, Short: short, Unheard: !have.heard(got)}
	if r.plan.Wait && !res.Unheard {
		err = r.ready(ctx, got)
	}
	return res, err
}

func (r *running) header(have *prepared) journal.Header {
	return journal.Header{Launch: r.plan.Launch, Endpoint: r.Endpoint, Account: r.who.Account, Region: r.plan.Region, Created: have.origin.Created}
}

// record writes down what was made, before anything else happens to it.
func (r *running) record(kind account.Kind, id string) {
	r.write(journal.Entry{Kind: journal.Kind(kind), ID: id})
	if what, goes := undoable(kind); goes {
		r.undoLater(reap.Item{Kind: what, ID: id, Why: "the launch failed"})
	}
}

// undoLater keeps what must be undone when the launch fails.
func (r *running) undoLater(item reap.Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, item)
}

// write adds an entry to the journal. The journal is a hint for speed, the tags
// are the truth: a full disk is told and does not stop a launch.
func (r *running) write(e journal.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Region, e.At = r.plan.Region, r.Now().UTC()
	if err := r.journal.Record(e); err != nil {
		r.Events(Noted{"the launch's journal could not be written: " + err.Error()})
	}
}

// undo takes back what the launch made, even when the user has pressed Ctrl-C,
// and returns the cause together with what could not be taken back.
func (r *running) undo(ctx context.Context, cause error) error {
	if r.journal == nil {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	failed := r.lookForLost(ctx, cause)
	if len(r.made) > 0 {
		_ = r.step(StepUndo, func() (string, error) {
			undone := 0
			for _, o := range reap.Delete(ctx, r.EC2, r.made) {
				if o.Gone() {
					undone++
				}
				failed = errors.Join(failed, o.Err, r.disarmCloud(ctx, o), r.dismissJanitors(ctx, o))
			}
			return fmt.Sprintf("%d of %d deleted", undone, len(r.made)), failed
		})
	}
	r.facts.Forget(string(StepNetwork)) // its group may be gone now
	r.remember()
	if failed != nil {
		cause = &problem.Error{Kind: problem.KindOf(cause), Err: errors.Join(cause, failed), Next: "delete what is left with: spawn cleanup"}
	}
	return errors.Join(cause, r.closeJournal(failed == nil))
}

// inFlight is how long a request may take to have its effect after nobody waits
// for its answer any more.
const inFlight = 500 * time.Millisecond

// lookForLost adds what was made by calls whose answers did not come: the
// launch was interrupted, or the way to AWS was.
func (r *running) lookForLost(ctx context.Context, cause error) error {
	if !errors.Is(cause, context.Canceled) && !awserr.IsOutcomeUnknown(cause) {
		return nil
	}
	if err := sleep(ctx, inFlight); err != nil {
		return err
	}
	lost, err := reap.OfLaunch(ctx, r.EC2, r.plan.Launch)
	for _, item := range lost {
		if !slices.ContainsFunc(r.made, func(known reap.Item) bool { return known.ID == item.ID }) {
			r.made = append(r.made, item)
		}
	}
	return err
}

func (r *running) closeJournal(finished bool) error {
	switch {
	case r.journal == nil:
		return nil
	case finished:
		return r.journal.Done()
	default:
		return r.journal.Close()
	}
}

// step runs one step and tells of it.
func (r *running) step(step Step, do func() (detail string, err error)) error {
	start := time.Now()
	r.emit(Began{step})
	detail, err := do()
	r.emit(Ended{Step: step, Detail: detail, Took: time.Since(start), Err: err})
	return err
}

func (r *running) emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Events(e)
}
