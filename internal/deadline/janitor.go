package deadline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// When the janitors act: the schedules that take away what launches share, once
// nobody uses it. There is no order among schedules, and none is needed: AWS
// refuses to delete what something else depends on, and each tries again.
const (
	// JanitorGrace is how long after the last deadline that is known the first
	// of them begins: by then the deadline's three layers have acted.
	JanitorGrace = time.Hour
	// janitorEnough is how much of that must be left for a launch to leave the
	// janitors where they are. Many launches in a row then cost no call.
	janitorEnough = 30 * time.Minute
	// janitorStep is between what depends on one another, so that most is gone
	// at the first try.
	janitorStep = 5 * time.Minute
	// janitorAgain is how often each tries. A refusal is final for the call, and
	// no reason to end the schedule.
	janitorAgain = "rate(15 minutes)"
)

// Furniture is what launches share and no instance's end takes away. What is ""
// there is none of.
type Furniture struct {
	Group   string // a security group
	VPC     string // of spawn's own; with it its parts
	Gateway string
	Subnets []string
}

// Empty tells that there is nothing to be taken away.
func (f Furniture) Empty() bool { return f.Group == "" && f.VPC == "" }

// janitor is what a schedule of an item does.
type janitor struct {
	name      string
	operation string // of EC2
	input     map[string]string
	after     time.Duration // the first one
}

// janitors are the schedules of the furniture. Those of a VPC's parts begin with
// its id, so that they can be found by it.
func (f Furniture) janitors() (all []janitor) {
	if f.Group != "" {
		all = append(all, janitor{f.Group, "deleteSecurityGroup", map[string]string{"GroupId": f.Group}, 0})
	}
	if f.VPC == "" {
		return all
	}
	for _, id := range f.Subnets {
		all = append(all, janitor{f.VPC + "." + id, "deleteSubnet", map[string]string{"SubnetId": id}, 0})
	}
	if f.Gateway != "" {
		gateway := f.VPC + "." + f.Gateway
		all = append(all,
			janitor{gateway + detachSuffix, "detachInternetGateway", map[string]string{"InternetGatewayId": f.Gateway, "VpcId": f.VPC}, janitorStep},
			janitor{gateway, "deleteInternetGateway", map[string]string{"InternetGatewayId": f.Gateway}, 2 * janitorStep})
	}
	return append(all, janitor{f.VPC, "deleteVpc", map[string]string{"VpcId": f.VPC}, 3 * janitorStep})
}

const detachSuffix = ".detach"

// Names are the names of the schedules of one item of the furniture.
func (f Furniture) Names(id string) (names []string) {
	for _, j := range f.janitors() {
		if aboutOf(j.name) == id {
			names = append(names, j.name)
		}
	}
	return names
}

// aboutOf is the id of what a schedule of the group is about: an instance, or a
// piece of furniture.
func aboutOf(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, cancelSuffix), detachSuffix)
	return name[strings.LastIndexByte(name, '.')+1:]
}

func (j janitor) schedule(from time.Time, role string) schedule {
	input, err := json.Marshal(j.input)
	if err != nil {
		panic(fmt.Sprintf("a few ids cannot be encoded: %v", err)) // it holds only strings
	}
	return schedule{
		name:   j.name,
		about:  fmt.Sprintf("takes %s away when nothing has used it for a while", aboutOf(j.name)),
		target: "arn:aws:scheduler:::aws-sdk:ec2:" + j.operation,
		input:  string(input),
		start:  from.Add(j.after),
		every:  janitorAgain,
		role:   role,
	}
}

// JanitorFrom is when the janitors begin for a last deadline.
func JanitorFrom(last lifecycle.Deadline) time.Time {
	return last.Time().Add(JanitorGrace).UTC().Truncate(time.Second)
}

// JanitorLateEnough tells that janitors which begin then need not be put off for
// a deadline.
func JanitorLateEnough(from time.Time, last lifecycle.Deadline) bool {
	return !from.Before(last.Time().Add(JanitorGrace - janitorEnough))
}

// Postpone lets the cloud take the furniture away from JanitorFrom(last) on, or
// later if somebody else has said so: it never brings a janitor forward. Of two
// launches that postpone at the same moment each looks again at what it wrote,
// so that the later time wins; should it not, AWS still refuses what is in use.
//
// fresh says that the furniture was just made, so that nothing is there to be
// read.
func (c Cloud) Postpone(ctx context.Context, f Furniture, last lifecycle.Deadline, fresh bool) error {
	who, err := c.Who(ctx)
	if err != nil {
		return err
	}
	role := permissions.SchedulerRoleARN(who.Partition, who.Account)
	all, allCtx := errgroup.WithContext(ctx)
	for _, j := range f.janitors() {
		all.Go(func() error {
			if err := c.postpone(allCtx, j.schedule(JanitorFrom(last), role), fresh); err != nil {
				return fmt.Errorf("let the cloud take %s away when it is unused: %w", aboutOf(j.name), err)
			}
			return nil
		})
	}
	return all.Wait()
}

// PostponeKnown is Postpone for the janitors that are there of security groups
// and of a VPC with its parts; where there are none, nobody wanted them.
func (c Cloud) PostponeKnown(ctx context.Context, groups []string, vpc string, last lifecycle.Deadline) (err error) {
	var all []Furniture
	if vpc != "" {
		f, listErr := c.knownParts(ctx, vpc)
		all, err = append(all, f), listErr
	}
	for _, group := range groups {
		have, readErr := c.read(ctx, group)
		if err = errors.Join(err, readErr); have != nil {
			all = append(all, Furniture{Group: group})
		}
	}
	for _, f := range all {
		if !f.Empty() {
			err = errors.Join(err, c.Postpone(ctx, f, last, false))
		}
	}
	return err
}

// knownParts is a VPC with those parts that have janitors; empty without any.
func (c Cloud) knownParts(ctx context.Context, vpc string) (f Furniture, err error) {
	listed, err := c.list(ctx, vpc)
	for _, s := range listed {
		f.VPC = vpc
		switch id := s.Furniture; {
		case strings.HasPrefix(id, "subnet-"):
			f.Subnets = append(f.Subnets, id)
		case strings.HasPrefix(id, "igw-"):
			f.Gateway = id
		}
	}
	return f, err
}

// mostPostponements bounds how often others may be met at the same schedule.
const mostPostponements = 4

func (c Cloud) postpone(ctx context.Context, s schedule, fresh bool) error {
	for range mostPostponements {
		write := c.create
		if !fresh {
			have, err := c.read(ctx, s.name)
			switch {
			case err != nil:
				return err
			case have != nil && (have.State != types.ScheduleStateEnabled || !aws.ToTime(have.StartDate).Before(s.start)):
				return nil // somebody switched it off, or it is late enough
			case have != nil:
				write = c.update
			}
		}
		err := write(ctx, s)
		if err == nil && fresh {
			return nil
		}
		if fresh = false; err != nil && !errors.Is(err, errOtherWay) {
			return err
		}
	}
	return nil // it was written each time; AWS's refusal protects what is in use
}

// read reads a schedule; nil when there is none.
func (c Cloud) read(ctx context.Context, name string) (*scheduler.GetScheduleOutput, error) {
	out, err := c.API.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: aws.String(permissions.ScheduleGroup), Name: aws.String(name)})
	switch {
	case awserr.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the schedule %s: %w", name, err)
	}
	return out, nil
}

// Dismiss removes the janitors of one item of the furniture, which is gone.
func (c Cloud) Dismiss(ctx context.Context, f Furniture, id string) (err error) {
	for _, name := range f.Names(id) {
		err = errors.Join(err, c.Delete(ctx, name))
	}
	return err
}
