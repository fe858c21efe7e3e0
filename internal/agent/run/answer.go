package run

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/control"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// serve answers whoever asks on this instance.
func (a *agent) serve(ctx context.Context) {
	if a.Control != nil {
		a.Control.Serve(ctx, desk{a})
	}
}

// desk is where the instance's users ask the agent. It answers from memory, and
// from two small files of the instance's own disk.
type desk struct{ *agent }

// Status says how the agent stands.
func (d desk) Status() control.Status {
	k, now := d.known, d.wall()
	osTimer := "unseen"
	if d.osTimerSeen() {
		osTimer = "armed"
	}
	var scripts []sense.Script
	if d.ScriptsFile != "" {
		var err error
		if scripts, err = sense.Scripts(d.ScriptsFile); err != nil {
			scripts = []sense.Script{{Name: d.ScriptsFile, Failed: err.Error()}}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	in := k.decidedOn
	o := k.state.Outlook(in)
	s := control.Status{
		Agent: d.Version, Instance: k.identity.InstanceID, Started: d.started.Round(0), Now: now,
		Routines: runtime.NumGoroutine(),
		Phase:    k.phase, Deadline: o.Deadline, Next: nextEnd(o), Idle: idleness(in.Policy.Idle, o.Idle),
		Signals: control.Signals(k.signals), Sampled: k.sampledAt,
		Notices: control.Notices(k.notices), NoticesError: k.noticesError,
		OSTimer: osTimer, Tag: control.Tag{Value: k.told.value, Written: k.told.at, Error: k.told.err},
		Scripts: scripts,
	}
	if now.Before(k.keepalive) {
		s.KeepaliveUntil = k.keepalive
	}
	if k.completed != nil {
		s.Completed = k.completed.Status
	}
	return s
}

// nextEnd is the sooner of the deadline and the idle action; nil if none is
// known. While the instance is in use the idle action is not to come.
func nextEnd(o core.Outlook) *control.End {
	switch {
	case o.Idle.On && !o.Idle.Active && (o.Deadline.IsZero() || o.Idle.Next.Before(o.Deadline.Time())):
		return &control.End{At: o.Idle.Next, Action: string(o.Idle.Does), Why: "idle: the last activity was " + o.Idle.Last}
	case o.Deadline.IsZero():
		return nil
	default:
		return &control.End{At: o.Deadline.Time(), Action: string(lifecycle.Terminate), Why: "the deadline"}
	}
}

func idleness(p lifecycle.IdlePolicy, o core.IdleOutlook) control.Idle {
	out := control.Idle{
		Timeout: int64(p.Timeout / time.Second), Now: !o.Active, Because: o.Because,
		Since: o.Since, Last: o.Last, At: o.Next, Retry: o.Retry,
	}
	if p.On() {
		out.Action, out.CPU = string(p.Does()), p.Threshold()
	}
	return out
}

// Complete takes the workload's word that it is done. The first word holds.
func (d desk) Complete(c core.Completion) error {
	k := d.known
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.completed != nil {
		return problem.New(problem.Failed, "the workload has already said that it is done (%s)", k.completed.Status)
	}
	k.completed = &c
	d.wake()
	return nil
}

// Keepalive holds idleness off until a time from now, or longer where that was
// asked for before. The deadline stays where it is.
func (d desk) Keepalive(length time.Duration) (until time.Time, err error) {
	k := d.known
	k.mu.Lock()
	defer k.mu.Unlock()
	if until = d.wall().Add(length); until.After(k.keepalive) {
		k.keepalive = until
		d.wake()
	}
	return k.keepalive, nil
}

// Config says what the policy is, value by value, and where each came from.
func (d desk) Config() control.Config {
	k := d.known
	k.mu.Lock()
	defer k.mu.Unlock()
	p, file, idle := k.policy, k.file, k.policy.Idle
	from := func(set, inFile bool, keys ...string) string {
		if !set {
			return "the default"
		}
		for _, key := range keys {
			if k.said(key) {
				return "the tag " + key
			}
		}
		if inFile {
			return "the file " + d.PolicyFile
		}
		return "the last good policy"
	}
	var settings []control.Setting
	add := func(name, value, from string) {
		settings = append(settings, control.Setting{Name: name, Value: value, From: from})
	}
	add("deadline", p.Deadline.String(), from(!p.Deadline.IsZero(), p.Deadline == file.Deadline, lifecycle.TagDeadline, lifecycle.TagTTL))
	add("idle timeout", words(idle.Timeout), from(idle.On(), idle.Timeout == file.Idle.Timeout, lifecycle.TagIdleTimeout))
	add("idle CPU", strconv.FormatFloat(idle.Threshold(), 'f', -1, 64)+" %", from(idle.CPU > 0, idle.CPU == file.Idle.CPU, lifecycle.TagIdleCPU))
	add("idle action", string(idle.Does()), from(idle.Action != "", idle.Action == file.Idle.Action, lifecycle.TagIdleAction, lifecycle.TagHibernateOnIdle))
	add("busy while files", strings.Join(idle.BusyWhile.Files, ", "), from(len(idle.BusyWhile.Files) > 0, true))
	add("busy while processes", strings.Join(idle.BusyWhile.Processes, ", "), from(len(idle.BusyWhile.Processes) > 0, true))
	add("pre-stop", p.PreStop, from(p.PreStop != "", true))
	return control.Config{Agent: d.Version, Settings: settings}
}

// said tells that the value that holds is the one that a tag says.
func (k *knowledge) said(key string) bool {
	if k.tags[key] == "" {
		return false
	}
	read, _ := lifecycle.ReadInstanceTags(k.tags) // the problems were told when the tags were read
	p := k.policy
	switch key {
	case lifecycle.TagDeadline:
		return !read.Deadline.IsZero() && read.Deadline == p.Deadline
	case lifecycle.TagTTL:
		return read.TTL > 0 && p.Deadline == lifecycle.DeadlineAt(p.Launched.Add(read.TTL))
	case lifecycle.TagIdleTimeout:
		return read.Idle.Timeout == p.Idle.Timeout
	case lifecycle.TagIdleCPU:
		return read.Idle.CPU == p.Idle.CPU
	case lifecycle.TagIdleAction, lifecycle.TagHibernateOnIdle:
		return read.Idle.Action == p.Idle.Action
	default:
		return false
	}
}

// words is a length of time for a person; none is "".
func words(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return lifecycle.FormatDuration(d)
}
