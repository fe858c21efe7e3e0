package run

import (
	"maps"
	"sync"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// knowledge is what the agent knows of the world, shared by its goroutines.
// Nothing is read or written while its lock is held.
type knowledge struct {
	mu       sync.Mutex
	policy   lifecycle.Policy
	fromDisk bool              // no tag has had a say in policy yet
	foreign  bool              // the policy from the disk was another instance's
	tags     map[string]string // as last merged; nil before
	cloud    Cloud             // nil until the identity is known
	known    chan struct{}     // closed when cloud is set
}

func newKnowledge() *knowledge { return &knowledge{known: make(chan struct{})} }

// current is the policy that holds now.
func (k *knowledge) current() lifecycle.Policy {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.policy
}

// loaded takes over a policy from the disk.
func (k *knowledge) loaded(p lifecycle.Policy) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.policy, k.fromDisk = p, true
}

// sawBefore tells that the tags were merged as they are.
func (k *knowledge) sawBefore(tags map[string]string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tags != nil && maps.Equal(k.tags, tags)
}

// merge lets the tags move the deadline and returns it before and after.
func (k *knowledge) merge(tags map[string]string, read lifecycle.InstanceTags) (before, after lifecycle.Deadline) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before = k.policy.Deadline
	k.policy, k.fromDisk, k.tags = k.policy.Merge(read), false, tags
	return before, k.policy.Deadline
}

// forgetDisk drops a policy that came from the disk alone.
func (k *knowledge) forgetDisk() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fromDisk {
		k.policy, k.fromDisk, k.foreign = lifecycle.Policy{}, false, true
	}
}

// takeForeign tells, once, that all that was decided from the disk is void.
func (k *knowledge) takeForeign() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	foreign := k.foreign
	k.foreign = false
	return foreign
}

// identified makes the cloud known; only the first counts.
func (k *knowledge) identified(c Cloud) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cloud == nil {
		k.cloud = c
		close(k.known)
	}
}

// reach is the cloud, or nil while it is not known.
func (k *knowledge) reach() Cloud {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cloud
}
