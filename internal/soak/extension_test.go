package soak_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// TestCleanupMovesWhatAnExtensionLeft: an extension that dies between its two
// writes leaves the cloud's layer at the time that was asked for, and the tag at
// the old one. A cleanup is to give the instance the cloud's layer that its tag
// promises.
func TestCleanupMovesWhatAnExtensionLeft(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		w, err := newWorld(ctx, dir, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := w.close(); err != nil {
				t.Error(err)
			}
		}()
		desk := w.desks[0]
		p, err := desk.start(ctx, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := desk.resolve(wish{kind: "t3.micro", ttl: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.launch(ctx, plan)
		if err != nil {
			t.Fatal(err)
		}
		in := res.Members[0].Instance
		at := in.Tags.Deadline
		if err := p.cloudLayer().Move(ctx, in.ID, lifecycle.DeadlineAt(at.Time().Add(3*time.Hour)), ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute) // until nobody can be at it any more
		if _, err := p.cleanup(ctx); err != nil {
			t.Fatal(err)
		}
		armed, err := p.cloudLayer().Read(ctx, in.ID, "")
		if err != nil || !armed.For(at, time.Now()) {
			t.Errorf("the cloud ends it from %s on, its deadline is %s (%v)", armed.From, at, err)
		}
		if err := instance.Terminate(ctx, p.ec2, in); err != nil {
			t.Fatal(err)
		}
	})
}
