package run

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	pollEvery   = 24 * time.Second // how late a changed tag is seen
	pollNear    = 4 * time.Second  // the same, when an end is near
	near        = 3 * time.Minute
	retryEvery  = time.Second     // until the metadata answers for the first time
	pollTimeout = 5 * time.Second // for one look at the metadata
)

// load reads the policy from the disk: the last good one, which knows of a
// deadline that was moved, else the one the bootstrap wrote. What only the
// bootstrap's file may say is taken from there while it can be read.
func (a *agent) load(ctx context.Context) {
	file, written := a.loadFile(ctx, a.PolicyFile)
	kept, wasKept := a.loadFile(ctx, a.stateFile(act.PolicyFile))
	p := kept
	switch {
	case !written && !wasKept:
		a.Log.WarnContext(ctx, "no policy on this disk: waiting for the instance's tags")
		return
	case !wasKept:
		p = file
	case written:
		p.PreStop, p.Idle.BusyWhile = file.PreStop, file.Idle.BusyWhile
		if sense.Newer(a.PolicyFile, a.stateFile(act.PolicyFile)) {
			p.Idle = file.Idle // root changed it; the tags have their say in a moment
		}
	}
	a.known.loaded(p, file)
	a.Log.InfoContext(ctx, "the policy was read", "kept", wasKept, "deadline", p.Deadline, "idle", p.Idle.Watch().String())
}

// loadFile reads one file, and tells whether that gave a policy.
func (a *agent) loadFile(ctx context.Context, path string) (p lifecycle.Policy, ok bool) {
	if path == "" {
		return lifecycle.Policy{}, false
	}
	p, err := sense.Policy(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.Log.ErrorContext(ctx, "a policy cannot be used", "error", err)
	}
	return p, err == nil
}

// stateFile is the path of a file in the state folder; "" if there is none.
func (a *agent) stateFile(name string) string {
	if a.StateDir == "" {
		return ""
	}
	return filepath.Join(a.StateDir, name)
}

// watch looks at the metadata for as long as the agent runs, and keeps on
// disk what it learns. It is the only one that writes there.
func (a *agent) watch(ctx context.Context) {
	w := watcher{agent: a}
	for {
		w.keep(ctx)
		pause := w.look(ctx)
		w.keep(ctx)
		if wait(ctx, pause) != nil {
			return
		}
	}
}

// watcher is what watch remembers from one look to the next. Of a row of
// failures it logs the first.
type watcher struct {
	*agent
	answered bool             // the tags were read once
	failing  bool             // the last look failed
	kept     lifecycle.Policy // what is on the disk
	unkept   bool             // the last try to keep the policy failed
}

// look takes one bounded look at the metadata and returns the time until the
// next.
func (w *watcher) look(ctx context.Context) (pause time.Duration) {
	bounded, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	err := w.readMetadata(bounded)
	switch {
	case err != nil && !w.failing && ctx.Err() == nil:
		w.Log.WarnContext(ctx, "the metadata cannot be read: trying on", "error", err)
	case err == nil && w.failing:
		w.Log.InfoContext(ctx, "the metadata can be read again")
	}
	w.failing = err != nil
	w.answered = w.answered || err == nil
	if !w.answered {
		return retryEvery
	}
	return w.poll()
}

// poll is the time until the next look: shorter when an end is near that a tag
// may still put off.
func (a *agent) poll() time.Duration {
	var o core.Outlook
	a.known.locked(func() { o = a.known.state.Outlook(a.known.decidedOn) })
	for _, end := range []time.Time{o.Deadline.Time(), o.Idle.Next} {
		if !end.IsZero() && end.Sub(a.wall()) < near {
			return a.untilNext(pollNear)
		}
	}
	return a.untilNext(pollEvery)
}

// keep writes the policy to the disk when it has changed.
func (w *watcher) keep(ctx context.Context) {
	p := w.known.current()
	if w.StateDir == "" || p.Deadline.IsZero() || p.Equal(w.kept) {
		return
	}
	err := act.Keep(w.StateDir, p)
	switch {
	case err == nil:
		w.kept = p
	case !w.unkept:
		w.Log.ErrorContext(ctx, "the policy cannot be kept on disk: trying on", "error", err)
	}
	w.unkept = err != nil
}

// readMetadata learns who this instance is, where that is not known yet, and
// lets its tags change the policy.
func (a *agent) readMetadata(ctx context.Context) error {
	if err := a.identify(ctx); err != nil {
		return err
	}
	return a.readTags(ctx)
}

// identify learns once who this instance is, and with it how to reach EC2.
func (a *agent) identify(ctx context.Context) error {
	if a.known.reach() != nil {
		return nil
	}
	id, err := a.Metadata.Identity(ctx)
	if err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "this instance is known", "id", id.InstanceID, "region", id.Region, "partition", id.Partition)
	a.refuseForeignDisk(ctx, id)
	a.known.identified(id, a.Cloud(id))
	return nil
}

// refuseForeignDisk drops a policy that was written for another instance. A
// disk becomes an image and the image another instance, which must not be
// ended by the deadline of the first.
func (a *agent) refuseForeignDisk(ctx context.Context, id sense.Identity) {
	if a.InstanceFile == "" {
		return
	}
	recorded, err := sense.RecordedInstance(a.InstanceFile)
	switch {
	case err != nil:
		a.Log.WarnContext(ctx, "it is unknown which instance the policy on this disk is for: it holds", "error", err)
	case recorded != "" && recorded != id.InstanceID:
		a.Log.WarnContext(ctx, "the policy on this disk is for another instance: only tags count",
			"recorded", recorded, "this", id.InstanceID)
		a.known.forgetDisk()
		a.wake()
	}
}

// readTags lets the instance's tags change the policy. A change counts once it
// was read the same twice: tags are read one by one, and a deadline from
// before a change must not be combined with a TTL from after it.
func (a *agent) readTags(ctx context.Context) error {
	tags, err := a.Metadata.Tags(ctx)
	if err != nil || a.known.sawBefore(tags) {
		return err
	}
	again, err := a.Metadata.Tags(ctx)
	if err != nil {
		return err
	}
	if !maps.Equal(tags, again) {
		return errors.New("the tags are changing at this moment")
	}
	read, problems := lifecycle.ReadInstanceTags(tags)
	for _, problem := range problems {
		a.Log.WarnContext(ctx, "a tag is ignored", "problem", problem)
	}
	if request := tags[lifecycle.TagSpotRequest]; request != "" && !isSpotRequest(request) {
		a.Log.WarnContext(ctx, "a tag is ignored", "problem", lifecycle.TagSpotRequest+" names no Spot request")
	}
	before, after := a.known.merge(tags, read)
	a.wake()
	if before.Deadline != after.Deadline {
		a.Log.InfoContext(ctx, "the tags moved the deadline", "from", before.Deadline, "to", after.Deadline)
	}
	if was, is := before.Idle.Watch(), after.Idle.Watch(); was != is {
		a.Log.InfoContext(ctx, "the tags changed the idle policy", "from", was.String(), "to", is.String())
	}
	return nil
}
