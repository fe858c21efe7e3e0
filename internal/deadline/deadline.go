// Package deadline sets and moves an instance's deadline in its layers and
// reports which of them moved. The layers are the agent, which acknowledges in
// its status tag, and the operating system's timer, which follows the agent
// and re-reads the tag itself before it acts. (The third, EventBridge
// Scheduler, comes with the permissions that it needs.)
package deadline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// API is what moving a deadline calls.
type API interface {
	instance.Describer
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// Moved reports which layers hold the new deadline.
type Moved struct {
	From, To     lifecycle.Deadline
	Tag          bool // the truth was written
	Acknowledged bool // the agent says that it enforces it
	Expected     bool // an agent is running that can acknowledge
}

// acknowledgement is how long the agent may take to see a changed tag (30 s,
// DESIGN section 3 and 7) and to say so.
const acknowledgement = 45 * time.Second

// Move writes the new deadline to the instance's tag and waits for the agent to
// acknowledge it. An instance that is not running has nobody to acknowledge: it
// reads its tags when it starts.
func Move(ctx context.Context, api API, in instance.Instance, to lifecycle.Deadline) (Moved, error) {
	m := Moved{From: in.Tags.Deadline, To: to, Expected: in.State == lifecycle.StateRunning && in.Status != nil}
	if in.State.Ended() {
		return m, problem.New(problem.Failed, "%s is %s: its deadline cannot be moved", in.Label(), in.State)
	}
	tags := map[string]string{lifecycle.TagDeadline: to.String()}
	if _, err := api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{in.ID}, Tags: account.EC2Tags(tags)}); err != nil {
		return m, fmt.Errorf("move the deadline of %s: %w", in.ID, err)
	}
	m.Tag = true
	if !m.Expected {
		return m, nil
	}
	waitCtx, cancel := context.WithTimeout(ctx, acknowledgement)
	defer cancel()
	seen, err := instance.Wait(waitCtx, api, in.ID, func(now instance.Instance) bool {
		return now.State.Ended() || now.Status != nil && now.Status.Deadline == to
	})
	m.Acknowledged = seen.Status != nil && seen.Status.Deadline == to && !seen.State.Ended()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return m, nil // not acknowledged in time, which the report says
	}
	return m, err
}
