package deadline_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// interrupted is EC2 with something that happens before a tag is written.
type interrupted struct {
	deadline.API
	before func()
}

func (i interrupted) CreateTags(ctx context.Context, in *ec2.CreateTagsInput, o ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error) {
	i.before()
	return i.API.CreateTags(ctx, in, o...)
}

// TestTwoWhoMoveAtOnceAgree: whichever of two moves at the same moment writes the
// tag last, the cloud acts for what it says, and who lost is told so.
func TestTwoWhoMoveAtOnceAgree(t *testing.T) {
	later, sooner := lifecycle.DeadlineAt(first.Time().Add(2*time.Hour)), lifecycle.DeadlineAt(first.Time().Add(-30*time.Minute))
	type both struct {
		api    deadline.API
		honest deadline.Cloud
		in     instance.Instance
	}
	tests := map[string]struct {
		move  func(*testing.T, both) error // with another move inside
		loses bool
		want  lifecycle.Deadline
	}{
		"an extension between the tag and the schedule of a shortening": {loses: true, want: later, move: func(t *testing.T, b both) error {
			cloud, done := b.honest, false
			cloud.API = unkind{Schedules: b.honest.API, update: func(*scheduler.UpdateScheduleInput) error {
				if !done {
					done = true
					_, err := deadline.Move(t.Context(), b.api, b.honest, b.in, later)
					noError(t, err)
				}
				return nil
			}}
			_, err := deadline.Move(t.Context(), b.api, cloud, b.in, sooner)
			return err
		}},
		"a shortening between the schedule and the tag of an extension": {want: later, move: func(t *testing.T, b both) error {
			_, err := deadline.Move(t.Context(), interrupted{b.api, func() {
				_, err := deadline.Move(t.Context(), b.api, b.honest, b.in, sooner)
				noError(t, err)
			}}, b.honest, b.in, later)
			return err
		}},
		"a cleanup between the schedule and the tag of an extension": {want: later, move: func(t *testing.T, b both) error {
			_, err := deadline.Move(t.Context(), interrupted{b.api, func() {
				repaired, err := b.honest.Repair(t.Context(), b.api, b.in)
				noError(t, err)
				if repaired {
					t.Error("the extension was taken back")
				}
			}}, b.honest, b.in, later)
			return err
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			api, honest := c.Target.EC2(), layer(t, c)
			in := launch(t, api, "")
			noError(t, honest.Arm(t.Context(), in.ID, first, ""))
			if err := tt.move(t, both{api, honest, in}); (err != nil) != tt.loses {
				t.Errorf("the outer move: %v", err)
			}
			now, err := instance.Get(t.Context(), api, in.ID)
			noError(t, err)
			have, err := honest.Read(t.Context(), in.ID, "")
			noError(t, err)
			if now.Tags.Deadline != tt.want || !have.For(tt.want, time.Now()) {
				t.Errorf("the tag says %s, the cloud acts from %v, want both for %s", now.Tags.Deadline, have.From, tt.want)
			}
		})
	}
}

// TestWhatAnExtensionLeftIsRepaired: one that died between its two writes, once
// nobody can be at it any more.
func TestWhatAnExtensionLeftIsRepaired(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, honest := c.Target.EC2(), layer(t, c)
	in := launch(t, api, "")
	noError(t, honest.Arm(t.Context(), in.ID, lifecycle.DeadlineAt(first.Time().Add(time.Hour)), ""))
	for _, due := range []bool{false, true} {
		repaired, err := honest.Repair(t.Context(), api, in)
		noError(t, err)
		have, err := honest.Read(t.Context(), in.ID, "")
		noError(t, err)
		if repaired != due || have.For(in.Tags.Deadline, c.Local.Clock().Now()) != due {
			t.Errorf("repaired %v, acts from %s, want %v", repaired, have.From, due)
		}
		noError(t, c.Local.Clock().Advance(3*time.Minute))
	}
}

// TestHalfIsCompletedAtOnce: a launch whose second schedule failed waits for
// nobody.
func TestHalfIsCompletedAtOnce(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, honest := c.Target.EC2(), layer(t, c)
	in := launch(t, api, "")
	in.Persistent = "sir-1234567"
	noError(t, honest.Arm(t.Context(), in.ID, in.Tags.Deadline, in.Persistent))
	noError(t, honest.Delete(t.Context(), in.ID+".request"))
	repaired, err := honest.Repair(t.Context(), api, in)
	noError(t, err)
	have, err := honest.Read(t.Context(), in.ID, in.Persistent)
	noError(t, err)
	if !repaired || !have.For(in.Tags.Deadline, c.Local.Clock().Now()) {
		t.Errorf("repaired %v, acts from %s", repaired, have.From)
	}
}

// restless is EC2 while somebody moves a deadline at every look.
type restless struct {
	deadline.API
	at *time.Time
}

func (r restless) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, o ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	*r.at = r.at.Add(time.Hour)
	tags := map[string]string{lifecycle.TagDeadline: lifecycle.DeadlineAt(*r.at).String()}
	if _, err := r.CreateTags(ctx, &ec2.CreateTagsInput{Resources: in.InstanceIds, Tags: account.EC2Tags(tags)}); err != nil {
		return nil, err
	}
	return r.API.DescribeInstances(ctx, in, o...)
}

// TestARepairThatAgreesWithNobodyIsNone: it is told, and not taken for done.
func TestARepairThatAgreesWithNobodyIsNone(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, at := c.Target.EC2(), first.Time()
	if _, err := layer(t, c).Repair(t.Context(), restless{api, &at}, launch(t, api, "")); err == nil {
		t.Error("it passes for repaired")
	}
}
