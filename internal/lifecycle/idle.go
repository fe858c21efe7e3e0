package lifecycle

import (
	"encoding/json"
	"path"
	"slices"
	"time"
)

// IdleAction is what happens to an instance that has been idle for too long.
type IdleAction string

// The idle actions.
const (
	Terminate IdleAction = "terminate"
	Stop      IdleAction = "stop"
	Hibernate IdleAction = "hibernate"
)

// Valid tells whether a is one of the three actions.
func (a IdleAction) Valid() bool { return a == Terminate || a == Stop || a == Hibernate }

// DefaultIdleCPU is the share of all processors, in percent, below which an
// instance may be idle.
const DefaultIdleCPU = 5.0

// IdlePolicy says when an instance counts as idle and what is done about it.
// The zero value switches idle detection off.
type IdlePolicy struct {
	Timeout   time.Duration // 0: never
	CPU       float64       // percent of all processors, 0 means DefaultIdleCPU
	Action    IdleAction    // "" means Terminate
	BusyWhile BusyWhile     // only ever from the policy file, never from a tag
}

// BusyWhile names what keeps an instance busy while it is there, whatever the
// other signals say.
type BusyWhile struct {
	Files     []string // absolute paths
	Processes []string // names of programs, without folder
}

// On tells that idleness ends the instance at all.
func (p IdlePolicy) On() bool { return p.Timeout > 0 }

// Threshold is the share of all processors, in percent, below which an
// instance may be idle.
func (p IdlePolicy) Threshold() float64 {
	if p.CPU > 0 {
		return p.CPU
	}
	return DefaultIdleCPU
}

// Does is what is done about an idle instance.
func (p IdlePolicy) Does() IdleAction {
	if p.Action == "" {
		return Terminate
	}
	return p.Action
}

// Equal tells that p and q are the same policy.
func (p IdlePolicy) Equal(q IdlePolicy) bool {
	return p.Timeout == q.Timeout && p.CPU == q.CPU && p.Action == q.Action &&
		slices.Equal(p.BusyWhile.Files, q.BusyWhile.Files) &&
		slices.Equal(p.BusyWhile.Processes, q.BusyWhile.Processes)
}

// merge returns the policy that holds after the idle tags were read: each that
// says something wins over what was known.
func (p IdlePolicy) merge(tags IdlePolicy) IdlePolicy {
	if tags.Timeout > 0 {
		p.Timeout = tags.Timeout
	}
	if tags.CPU > 0 {
		p.CPU = tags.CPU
	}
	if tags.Action != "" {
		p.Action = tags.Action
	}
	return p
}

// idleJSON is the idle policy's form in the policy file.
type idleJSON struct {
	Timeout   string        `json:"timeout,omitempty"`
	CPU       float64       `json:"cpu,omitempty"` // percent of all processors
	Action    string        `json:"action,omitempty"`
	BusyWhile busyWhileJSON `json:"busy_while,omitzero"`
}

type busyWhileJSON struct {
	Files     []string `json:"files,omitempty"`
	Processes []string `json:"processes,omitempty"`
}

// IsZero tells that there is nothing to write.
func (j idleJSON) IsZero() bool {
	return j.Timeout == "" && j.CPU == 0 && j.Action == "" && j.BusyWhile.IsZero()
}

// IsZero tells that there is nothing to write.
func (j busyWhileJSON) IsZero() bool { return len(j.Files)+len(j.Processes) == 0 }

func (p IdlePolicy) json() idleJSON {
	j := idleJSON{CPU: p.CPU, Action: string(p.Action), BusyWhile: busyWhileJSON(p.BusyWhile)}
	if p.Timeout >= time.Second {
		j.Timeout = FormatDuration(p.Timeout)
	}
	return j
}

// readIdleJSON reads what json made. Unknown fields are ignored; a known one
// that cannot be understood makes it no policy at all.
func readIdleJSON(b json.RawMessage) (p IdlePolicy) {
	var j idleJSON
	if len(b) == 0 || json.Unmarshal(b, &j) != nil {
		return IdlePolicy{}
	}
	if j.Timeout != "" {
		var err error
		if p.Timeout, err = ParseDuration(j.Timeout); err != nil {
			return IdlePolicy{}
		}
	}
	p.CPU, p.Action = j.CPU, IdleAction(j.Action)
	switch {
	case p.CPU < 0, p.CPU > 100, p.Action != "" && !p.Action.Valid():
		return IdlePolicy{}
	case slices.ContainsFunc(j.BusyWhile.Files, func(f string) bool { return !path.IsAbs(f) }):
		return IdlePolicy{}
	case slices.Contains(j.BusyWhile.Processes, ""):
		return IdlePolicy{}
	}
	if len(j.BusyWhile.Files) > 0 {
		p.BusyWhile.Files = j.BusyWhile.Files
	}
	if len(j.BusyWhile.Processes) > 0 {
		p.BusyWhile.Processes = j.BusyWhile.Processes
	}
	return p
}
