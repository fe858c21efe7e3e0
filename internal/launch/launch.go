package launch

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/bootstrap"
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
	RunInstances(context.Context, *ec2.RunInstancesInput, ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error)
}

// Launcher carries plans out.
type Launcher struct {
	EC2        EC2
	STS        account.STS
	IAM        account.RoleAPI
	S3         account.BucketAPI
	ObjectURLs func(ctx context.Context, bucket, key string) (plain, presigned string, err error) // where an instance finds an object
	Address    func(context.Context) (netip.Prefix, error)                                        // the caller's address
	Now        func() time.Time                                                                   // the service's clock
	Journals   string                                                                             // the folder of journals
	Endpoint   string                                                                             // handed to the agent; "" is AWS's own
	Patience   time.Duration                                                                      // how long the agent may take to be ready
	Events     func(Event)                                                                        // called by one goroutine at a time
}

// Result is a launch that succeeded.
type Result struct {
	Instance instance.Instance
	Got      Candidate // what was launched of the plan's candidates
	Deadline lifecycle.Deadline
	Ready    bool // the agent says that it watches the deadline
}

// Bounds of a launch.
const (
	// DefaultPatience is how long a new instance may take to boot and fetch
	// its agent before the launch goes on without hearing from it.
	DefaultPatience = 5 * time.Minute
	bootTimeout     = 5 * time.Minute
	undoTimeout     = 6 * time.Minute
)

// Launch makes the plan's instance, waits until it runs and its agent is
// ready, and returns it. When it fails it undoes what it made, and says what
// could not be undone; a running instance whose agent stays silent is not
// undone: Ready is false, and its other layers end it.
func (l *Launcher) Launch(ctx context.Context, p Plan) (Result, error) {
	run := &running{Launcher: l, plan: p}
	res, err := run.through(ctx)
	if err != nil {
		return res, run.undo(ctx, err)
	}
	return res, run.journal.Done()
}

// running is one launch in progress.
type running struct {
	*Launcher
	plan    Plan
	journal *journal.Journal

	mu   sync.Mutex  // guards what the parallel steps write
	made []reap.Item // what must be undone when the launch fails
}

func (r *running) through(ctx context.Context) (Result, error) {
	have, err := r.prepare(ctx)
	if err != nil {
		return Result{}, err
	}
	in, a, err := r.obtain(ctx, have)
	if err != nil {
		return Result{}, err
	}
	return r.ready(ctx, in, a)
}

// prepare provides what the account needs. Who is calling comes first, because
// every tag names it; the rest does not depend on one another.
func (r *running) prepare(ctx context.Context) (prepared, error) {
	have := prepared{}
	err := r.step(StepAccount, func() (detail string, err error) {
		have.who, err = account.Identify(ctx, r.STS)
		return have.who.ARN, err
	})
	if err != nil {
		return have, err
	}
	have.origin = lifecycle.Origin{Owner: have.who.ARN, Launch: r.plan.Launch, Created: r.Now().UTC().Truncate(time.Second)}
	if r.journal, err = journal.Begin(r.Journals, r.header(have)); err != nil {
		return have, fmt.Errorf("begin the launch's journal: %w", err)
	}
	steps, stepsCtx := errgroup.WithContext(ctx)
	for step, do := range map[Step]func(context.Context, *prepared) (string, error){
		StepKey: r.ensureKey, StepNetwork: r.ensureNetwork, StepRole: r.ensureRole, StepAgent: r.ensureAgent,
	} {
		steps.Go(func() error {
			return r.step(step, func() (string, error) { return do(stepsCtx, &have) })
		})
	}
	err = steps.Wait()
	return have, err
}

func (r *running) ensureRole(ctx context.Context, have *prepared) (detail string, err error) {
	have.profile, err = account.EnsureRole(ctx, r.IAM, have.who, have.origin, r.record)
	return have.profile + ": may end its own instance, no other", err
}

// ensureAgent provides the agent of the candidate that is preferred.
func (r *running) ensureAgent(ctx context.Context, have *prepared) (detail string, err error) {
	first := r.plan.First()
	agent, detail, err := r.agent(ctx, have.who, first)
	have.agents = map[string]bootstrap.Agent{first.Architecture: agent}
	return detail, err
}

// agent provides the agent for a candidate.
func (r *running) agent(ctx context.Context, who account.Identity, c Candidate) (agent bootstrap.Agent, detail string, err error) {
	build := c.Agent
	bucket, sent, err := account.EnsureObject(ctx, r.S3, who, r.plan.Region, build.Key(), build.Gzip, r.record)
	if err != nil {
		return agent, "", err
	}
	agent.SHA256 = build.SHA256
	agent.ObjectURL, agent.PresignedURL, err = r.ObjectURLs(ctx, bucket, build.Key())
	if sent {
		return agent, fmt.Sprintf("uploaded to %s (%.1f MB)", bucket, float64(len(build.Gzip))/1e6), err
	}
	return agent, "already in " + bucket, err
}

func (r *running) header(have prepared) journal.Header {
	return journal.Header{Launch: r.plan.Launch, Endpoint: r.Endpoint, Account: have.who.Account, Region: r.plan.Region, Created: have.origin.Created}
}

// record writes down what was made, before anything else happens to it.
func (r *running) record(kind account.Kind, id string) {
	r.write(journal.Entry{Kind: journal.Kind(kind), ID: id})
	if what, goes := undoable(kind); goes {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.made = append(r.made, reap.Item{Kind: what, ID: id, Why: "the launch failed"})
	}
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

func (r *running) boot(ctx context.Context, id string) (in instance.Instance, err error) {
	err = r.step(StepBoot, func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, bootTimeout)
		defer cancel()
		in, err = instance.Wait(ctx, r.EC2, id, func(in instance.Instance) bool {
			return in.State != lifecycle.StatePending && in.State != lifecycle.StateUnknown
		})
		if err == nil && in.State != lifecycle.StateRunning {
			err = neverRan(in)
		}
		return fmt.Sprintf("%s runs in %s", in.ID, in.Zone), err
	})
	return in, err
}

// neverRan is an instance that EC2 promised and did not deliver, with EC2's
// reason.
func neverRan(in instance.Instance) error {
	e := problem.New(problem.Failed, "the instance became %s instead of running: %s", in.State, in.Reason())
	if awserr.IsNoCapacityReason(in.StateCode) {
		e.Kind, e.Next = problem.NoCapacity, "try another zone, region or type; truffle finds candidates"
	}
	return e
}

// errSilent is an agent that has not answered in time. The step has failed, and
// the launch has not: the operating system's timer still ends the instance.
var errSilent = errors.New("no word from the agent")

// ready waits for the agent to say that it watches the deadline.
func (r *running) ready(ctx context.Context, in instance.Instance, a attempt) (Result, error) {
	res := Result{Instance: in, Got: a.candidate, Deadline: a.deadline}
	err := r.step(StepReady, func() (string, error) {
		waitCtx, cancel := context.WithTimeout(ctx, r.Patience)
		defer cancel()
		last, err := instance.Wait(waitCtx, r.EC2, in.ID, func(in instance.Instance) bool {
			return in.Status != nil || in.State != lifecycle.StateRunning
		})
		if last.ID != "" {
			res.Instance = last
		}
		res.Ready = last.Status != nil
		switch {
		case err == nil && !res.Ready:
			return "", problem.New(problem.Failed, "the instance became %s before its agent was ready: %s", last.State, last.Reason())
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			return "", errSilent
		case err != nil:
			return "", err
		}
		return fmt.Sprintf("spored %s watches the deadline", last.Status.Agent), nil
	})
	if errors.Is(err, errSilent) {
		return res, nil // it runs, and Ready says that nobody answered
	}
	return res, err
}

// undo takes back what the launch made, even when the user has pressed Ctrl-C,
// and returns the cause together with what could not be taken back.
func (r *running) undo(ctx context.Context, cause error) error {
	if r.journal == nil || len(r.made) == 0 {
		return errors.Join(cause, r.closeJournal(true))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var failed error
	_ = r.step(StepUndo, func() (string, error) {
		undone := 0
		for _, o := range reap.Delete(ctx, r.EC2, r.made) {
			if o.Gone() {
				undone++
			}
			failed = errors.Join(failed, o.Err)
		}
		return fmt.Sprintf("%d of %d deleted", undone, len(r.made)), failed
	})
	if failed != nil {
		cause = &problem.Error{Kind: problem.KindOf(cause), Err: errors.Join(cause, failed), Next: "delete what is left with: spawn cleanup"}
	}
	return errors.Join(cause, r.closeJournal(failed == nil))
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
