package lifecycle

import (
	"encoding/json"
	"fmt"
	"time"
)

// Policy is what spored enforces. The bootstrap writes it to the instance
// (PolicyPath), so that the agent needs neither network nor API to know when
// to end; readable tags are merged over it.
type Policy struct {
	Launched time.Time     // by the service's clock, to the second; zero: unknown
	Deadline Deadline      // when the instance ends
	TTL      time.Duration // the TTL tag last seen
	Tagged   Deadline      // the deadline tag last seen, zero: the same as Deadline; it differs after the TTL tag was changed by hand
	Idle     IdlePolicy    // when an unused instance ends
	PreStop  string        // a shell command to run before any end, "" for none; only ever from the policy file, which is root's, never from a tag
}

// Equal tells that p and q are the same policy.
func (p Policy) Equal(q Policy) bool {
	return p.Launched.Equal(q.Launched) && p.Deadline == q.Deadline && p.TTL == q.TTL && p.Tagged == q.Tagged &&
		p.PreStop == q.PreStop && p.Idle.Equal(q.Idle)
}

// PolicyPath is where the bootstrap writes the policy on the instance.
const PolicyPath = "/etc/spored/policy.json"

// policyJSON is the file's form as it is written; UnmarshalJSON reads the same
// names. Unknown fields are ignored: a newer spawn may write more than an older
// spored knows.
type policyJSON struct {
	Schema   int      `json:"schema"`
	Launched string   `json:"launched,omitempty"`
	TTL      string   `json:"ttl,omitempty"`
	Deadline Deadline `json:"deadline"`
	Tagged   Deadline `json:"tagged_deadline,omitzero"`
	Idle     idleJSON `json:"idle,omitzero"`
	PreStop  string   `json:"pre_stop,omitempty"`
}

// MarshalJSON writes the policy file; it fails for a policy without a deadline.
func (p Policy) MarshalJSON() ([]byte, error) {
	if p.Deadline.IsZero() {
		return nil, fmt.Errorf("a policy without a deadline is never written")
	}
	j := policyJSON{Schema: Schema, Deadline: p.Deadline}
	if p.Tagged != p.Deadline {
		j.Tagged = p.Tagged
	}
	if !p.Launched.IsZero() {
		j.Launched = p.Launched.UTC().Format(time.RFC3339)
	}
	if p.TTL >= time.Second {
		j.TTL = FormatDuration(p.TTL)
	}
	j.Idle, j.PreStop = p.Idle.json(), p.PreStop
	return json.Marshal(j)
}

// UnmarshalJSON reads a policy file. A file without a deadline is an error:
// it must not pass for a policy that lets an instance live for ever. Whatever
// else cannot be read is left zero, because a newer spawn may write a field in
// another form, and that must not cost the deadline; an idle policy of which a
// part cannot be read is none, because half of it may end a busy instance.
func (p *Policy) UnmarshalJSON(b []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	read := func(name string) string {
		var s string
		if json.Unmarshal(fields[name], &s) != nil {
			return ""
		}
		return s
	}
	deadline, err := ParseDeadline(read("deadline"))
	if err != nil {
		return fmt.Errorf("the policy has no deadline: %w", err)
	}
	*p = Policy{Deadline: deadline, Tagged: deadline}
	if tagged, err := ParseDeadline(read("tagged_deadline")); err == nil {
		p.Tagged = tagged
	}
	if ttl, err := ParseDuration(read("ttl")); err == nil {
		p.TTL = ttl
	}
	if launched, err := parseMoment(read("launched")); err == nil {
		p.Launched = launched
	}
	p.Idle, p.PreStop = readIdleJSON(fields["idle"]), read("pre_stop")
	return nil
}

// Merge returns the policy that holds after the instance's tags were read.
// The deadline tag is the truth. If it did not change since it was last seen
// and only the TTL tag was changed by hand, the deadline is the recorded launch
// time plus that TTL. A tag that is missing, garbage or contradictory changes
// nothing: the last good value holds, so no tag can remove a deadline, and none
// that vanishes makes idleness stricter. What is run before the end and what
// keeps the instance busy are the file's alone.
func (p Policy) Merge(tags InstanceTags) Policy {
	p.Idle = p.Idle.merge(tags.Idle)
	if p.Launched.IsZero() {
		p.Launched = tags.Created
	}
	if p.Tagged.IsZero() {
		p.Tagged = p.Deadline
	}
	moved := !tags.Deadline.IsZero() && tags.Deadline != p.Tagged
	retimed := tags.TTL > 0 && tags.TTL != p.TTL
	switch {
	case moved:
		p.Deadline, p.Tagged = tags.Deadline, tags.Deadline
	case p.Deadline.IsZero() && tags.TTL > 0 && !p.Launched.IsZero():
		p.Deadline = DeadlineAt(p.Launched.Add(tags.TTL)) // all that is left to go by
	case retimed && p.TTL > 0 && p.Launched.IsZero():
		return p // no launch time to count from: the change waits until there is one
	case retimed && p.TTL > 0:
		p.Deadline = DeadlineAt(p.Launched.Add(tags.TTL))
	}
	if tags.TTL > 0 {
		p.TTL = tags.TTL
	}
	return p
}
