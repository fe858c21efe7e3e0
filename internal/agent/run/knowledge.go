package run

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// knowledge is what the agent knows of the world, shared by its goroutines.
// Nothing is read or written while its lock is held.
type knowledge struct {
	mu       sync.Mutex
	policy   lifecycle.Policy
	file     lifecycle.Policy  // what the bootstrap wrote; zero if it cannot be read
	fromDisk bool              // no tag has had a say in policy yet
	foreign  bool              // the policy from the disk was another instance's
	tags     map[string]string // as last merged; nil before
	spot     string            // the persistent Spot request that this instance came from; "" if none is known
	cloud    Cloud             // nil until the identity is known
	identity sense.Identity
	known    chan struct{} // closed when cloud is set

	signals      []core.Signal
	sampled      time.Duration // when signals were read, since the agent started
	sampledAt    time.Time
	notices      []core.Notice
	noticesError string // why the notices could not be read last
	keepalive    time.Time
	completed    *core.Completion
	script       lifecycle.ScriptFate

	// What the agent makes of it, for whoever asks.
	state     core.State
	decidedOn core.Input
	phase     lifecycle.Phase
	told      told
}

// told is what became of the status tag.
type told struct {
	value string // as last written
	at    time.Time
	err   string // why the latest could not be written
}

func newKnowledge() *knowledge { return &knowledge{known: make(chan struct{})} }

// locked runs f while nobody else reads or writes.
func (k *knowledge) locked(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

// current is the policy that holds now.
func (k *knowledge) current() lifecycle.Policy {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.policy
}

// loaded takes over a policy from the disk, and the one that the bootstrap
// wrote there.
func (k *knowledge) loaded(p, file lifecycle.Policy) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.policy, k.file, k.fromDisk = p, file, true
}

// sawBefore tells that the tags were merged as they are.
func (k *knowledge) sawBefore(tags map[string]string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tags != nil && maps.Equal(k.tags, tags)
}

// merge lets the tags change the policy and returns it before and after.
func (k *knowledge) merge(tags map[string]string, read lifecycle.InstanceTags) (before, after lifecycle.Policy) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before = k.policy
	k.policy, k.fromDisk, k.tags = k.policy.Merge(read), false, tags
	if request := tags[lifecycle.TagSpotRequest]; isSpotRequest(request) {
		k.spot = request
	}
	return before, k.policy
}

// forgetDisk drops a policy that came from the disk alone.
func (k *knowledge) forgetDisk() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fromDisk {
		k.policy, k.file, k.fromDisk, k.foreign = lifecycle.Policy{}, lifecycle.Policy{}, false, true
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
func (k *knowledge) identified(id sense.Identity, c Cloud) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cloud == nil {
		k.cloud, k.identity = c, id
		close(k.known)
	}
}

// reach is the cloud, or nil while it is not known.
func (k *knowledge) reach() Cloud {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cloud
}

// spotRequest is the id of the persistent Spot request that this instance came
// from, "" if none is known. An instance that EC2 sold on demand came from
// none, whatever its tag says.
func (k *knowledge) spotRequest() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.identity.OnDemand {
		return ""
	}
	return k.spot
}

// isSpotRequest tells that an id can be that of a Spot request. What cannot be
// cancelled would hold every end off but the deadline's: as with all tags,
// garbage changes nothing.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotInstanceRequest.html
func isSpotRequest(id string) bool {
	digits, found := strings.CutPrefix(id, "sir-")
	return found && digits != "" && len(digits) <= 32 && strings.Trim(digits, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// input is all that is known, for a decision now.
func (k *knowledge) input(now time.Time, elapsed time.Duration) core.Input {
	k.mu.Lock()
	defer k.mu.Unlock()
	return core.Input{
		Now: now, Elapsed: elapsed, Policy: k.policy,
		Signals: k.signals, Sampled: k.sampled, Notices: k.notices,
		KeepaliveUntil: k.keepalive, Completed: k.completed,
	}
}
