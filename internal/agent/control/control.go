// Package control is the way by which people and programs on an instance speak
// with its agent: a socket of the machine's own, never of the network.
//
// Anybody on the instance may ask how it stands. Only root may say that the
// work is done or ask for time: who is not root must neither end an instance
// nor keep it alive. The kernel tells who asks, not the one who asks.
//
// A connection carries one request and one answer, each a line of JSON, bounded
// in size and time. Nothing that comes in by it can move a deadline.
package control

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Socket is where the agent listens. Its folder belongs to root.
const Socket = "/run/spored/control.sock"

// Agent is what the socket opens to the instance. Its methods answer from
// memory, at once; they are called from several goroutines.
type Agent interface {
	Status() Status
	Config() Config
	// Complete takes the workload's word that it is done, ok or failed.
	Complete(core.Completion) error
	// Keepalive holds idleness off for a time from now, and says until when.
	Keepalive(time.Duration) (until time.Time, err error)
}

// Status is how the agent stands. A zero time or an empty word is unknown, and
// is left out of the JSON.
type Status struct {
	Schema   int                `json:"schema"`
	Agent    string             `json:"agent_version"`
	Instance string             `json:"instance_id,omitempty"`
	Started  time.Time          `json:"agent_started,omitzero"`
	Routines int                `json:"goroutines"` // of the agent, now: more and more of them would be a fault of its
	Now      time.Time          `json:"now"`        // the time of all this, by the instance's clock
	Phase    lifecycle.Phase    `json:"phase,omitempty"`
	Deadline lifecycle.Deadline `json:"deadline,omitzero"`
	Left     *int64             `json:"left_seconds,omitempty"` // until the deadline, negative once it passed; set by the server
	Next     *End               `json:"next_end,omitempty"`     // nil: none is known
	Idle     Idle               `json:"idle"`
	Signals  []Signal           `json:"signals"`             // nil: there was no sample yet
	Sampled  time.Time          `json:"sampled_at,omitzero"` // when the signals were read

	KeepaliveUntil time.Time `json:"keepalive_until,omitzero"`
	Completed      string    `json:"completed,omitempty"` // ok or failed, once the workload has said so
	Notices        []Notice  `json:"notices"`             // what EC2 has announced; nil: it was not asked yet
	NoticesError   string    `json:"notices_error,omitempty"`

	OSTimer string         `json:"os_timer,omitempty"` // armed or unseen: the operating system's own timer
	Tag     Tag            `json:"status_tag"`
	Scripts []sense.Script `json:"user_scripts,omitempty"`
}

// End is an end that is to come.
type End struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"` // terminate, stop or hibernate
	Why    string    `json:"why"`
}

// Idle is what idleness does, and whether it is there.
type Idle struct {
	Timeout int64     `json:"timeout_seconds"` // 0: idleness ends nothing
	Action  string    `json:"action,omitempty"`
	CPU     float64   `json:"cpu_percent,omitempty"`
	Now     bool      `json:"idle_now"`
	Because []string  `json:"in_use_because"`          // why it is not idle now; empty when it is
	Since   time.Time `json:"since,omitzero"`          // the last activity
	Last    string    `json:"last_activity,omitempty"` // what it was
	At      time.Time `json:"acts_at,omitzero"`        // when it is acted on if nothing happens until then
	Retry   bool      `json:"retrying,omitempty"`      // the action failed before and is tried again
}

// Signal is core.Signal as it travels.
type Signal struct {
	Name   string    `json:"name"`
	Active bool      `json:"active"`
	Detail string    `json:"detail,omitempty"`
	Last   time.Time `json:"last,omitzero"`
	Error  string    `json:"error,omitempty"`
}

// Signals are a sample's signals as they travel.
func Signals(sample []core.Signal) []Signal {
	if sample == nil {
		return nil
	}
	out := make([]Signal, 0, len(sample))
	for _, s := range sample {
		signal := Signal{Name: s.Name, Active: s.Active || s.Err != nil, Detail: s.Detail, Last: s.Last}
		if s.Err != nil {
			signal.Error = s.Err.Error()
		}
		out = append(out, signal)
	}
	return out
}

// Notice is core.Notice as it travels.
type Notice struct {
	Kind   core.NoticeKind `json:"kind"`
	ID     string          `json:"id"`
	Action string          `json:"action,omitempty"`
	At     time.Time       `json:"at,omitzero"`
}

// Notices are notices as they travel; nil, that EC2 was not asked yet, stays nil.
func Notices(list []core.Notice) []Notice {
	if list == nil {
		return nil
	}
	out := make([]Notice, 0, len(list))
	for _, n := range list {
		out = append(out, Notice(n))
	}
	return out
}

// Tag is the instance's status tag, by which spawn knows what the agent knows.
type Tag struct {
	Value   string    `json:"value,omitempty"` // as last written
	Written time.Time `json:"written_at,omitzero"`
	Error   string    `json:"error,omitempty"` // why the latest could not be written
}

// Config is the policy that holds, value by value.
type Config struct {
	Schema   int       `json:"schema"`
	Agent    string    `json:"agent_version"`
	Settings []Setting `json:"settings"`
}

// Setting is a value and where it came from.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"` // "" is none
	From  string `json:"from"`  // the tag spawn:deadline, the file /etc/spored/policy.json, the default
}

// The requests.
const (
	doStatus    = "status"
	doConfig    = "config"
	doComplete  = "complete"
	doKeepalive = "keepalive"
)

type request struct {
	Schema int    `json:"schema"`
	Do     string `json:"do"`
	Status string `json:"status,omitempty"`   // of complete: ok or failed
	For    string `json:"duration,omitempty"` // of keepalive: 30m
}

type answer struct {
	Schema int          `json:"schema"`
	Error  string       `json:"error,omitempty"`
	Kind   problem.Kind `json:"kind,omitempty"` // of the error
	Next   string       `json:"next,omitempty"` // what the asker can do about it
	Status *Status      `json:"status,omitempty"`
	Config *Config      `json:"config,omitempty"`
	Until  time.Time    `json:"until,omitzero"`
}

const (
	maxRequest = 4 << 10 // bytes
	maxAnswer  = 1 << 20 // bytes
)
