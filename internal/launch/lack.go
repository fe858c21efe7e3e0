package launch

import (
	"github.com/spawn-ec2/spawn/internal/bootstrap"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// Lack is something that a launch does without, because the caller may not have
// it.
type Lack struct {
	What       string // in a person's words
	Instead    string // what holds without it
	Permission string // the policy statement to ask for; "": none would help
}

// Lacking tells of a Lack as it is found.
type Lacking struct{ Lack }

func (Lacking) isEvent() {}

// lack keeps what the launch does without and tells of it, once.
func (r *running) lack(l Lack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range r.lacks {
		if known.What == l.What {
			return
		}
	}
	r.lacks = append(r.lacks, l)
	r.Events(Lacking{l})
}

// roleName is the instance profile that the launch uses when the user names
// none.
func (r *running) roleName() string { return permissions.AgentRole }

// permission is the policy to ask for, for what a step provides.
func (r *running) permission(step Step) string {
	capability, asks := map[Step]permissions.Capability{
		StepRole: permissions.AgentsRole, StepAgent: permissions.Buckets, StepCloud: permissions.CloudLayer,
	}[step]
	if !asks {
		return ""
	}
	return permissions.For(capability, r.who.Partition, r.who.Account).Indented()
}

// keepAgent remembers how an architecture gets its agent; nil: not at all.
func (p *prepared) keepAgent(architecture string, agent *bootstrap.Agent) {
	p.agents[architecture] = agent
}
