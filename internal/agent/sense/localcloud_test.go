package sense

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/imds"
)

// instance is an instance of the local cloud, of which its own metadata service
// tells.
type instance struct {
	mu    sync.Mutex
	facts imds.Facts
}

func (i *instance) Now() time.Time                        { return soon }
func (i *instance) Credentials() (imds.Credentials, bool) { return imds.Credentials{}, false }
func (i *instance) Facts() (imds.Facts, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.facts, true
}

// TestTheLocalCloudsMetadata: what the local cloud's faults spot-notice,
// rebalance and scheduled-event do is read as what EC2 would say.
func TestTheLocalCloudsMetadata(t *testing.T) {
	i := &instance{facts: imds.Facts{
		Enabled: true, TokensRequired: true, InstanceID: "i-1", Region: "us-east-1", Spot: true, MAC: "02:00:00:00:00:01",
		Tags: map[string]string{lifecycle.TagTTL: "8h", lifecycle.TagIdleTimeout: "1h", "Name": "n"},
	}}
	server := httptest.NewServer(imds.New(i))
	t.Cleanup(server.Close)
	m := NewMetadata(server.URL)

	tags, err := m.Tags(t.Context())
	if diff := cmp.Diff(map[string]string{lifecycle.TagTTL: "8h", lifecycle.TagIdleTimeout: "1h"}, tags); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	elapsed := time.Duration(0)
	n := NewNotices(m, func() time.Duration { return elapsed })
	if got, err := n.Read(t.Context()); len(got) != 0 || err != nil {
		t.Errorf("without a notice: %v, %v", got, err)
	}
	i.mu.Lock()
	i.facts.Interruption, i.facts.InterruptionTime, i.facts.Rebalance = "stop", soon.Add(2*time.Minute), soon
	i.facts.Scheduled = []imds.Event{{ID: "instance-event-1", Code: "system-reboot", NotBefore: soon.Add(time.Hour)}}
	i.mu.Unlock()
	elapsed += time.Minute
	got, err := n.Read(t.Context())
	want := []core.Notice{
		{Kind: core.SpotInterruption, Action: "stop", At: soon.Add(2 * time.Minute)},
		{Kind: core.Rebalance, At: soon},
		{Kind: core.ScheduledEvent, Action: "system-reboot", At: soon.Add(time.Hour)},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(core.Notice{}, "ID")); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
