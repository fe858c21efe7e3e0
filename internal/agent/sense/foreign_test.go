package sense

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

// metadataMock is AWS's own stand-in for the metadata service. The Makefile
// builds it.
const metadataMock = "../../../.tools/ec2-metadata-mock-v1.13.0"

// foreign starts a metadata service that nobody here wrote, which demands
// tokens, and returns a reader of it.
func foreign(t *testing.T, args ...string) *Metadata {
	t.Helper()
	program, err := filepath.Abs(metadataMock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skipf("amazon-ec2-metadata-mock is missing (make %s builds it): %v", filepath.Base(metadataMock), err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, append(args, "--hostname", "127.0.0.1", "--port", port, "--imdsv2")...)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	})
	for range 100 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return NewMetadata("http://" + address)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", program)
	return nil
}

// TestAForeignJudge has tokens, identity, Spot actions, rebalance and scheduled
// events judged by amazon-ec2-metadata-mock. It says that a Spot Instance ends
// two minutes from each time that it is asked: that is one notice, not many.
func TestAForeignJudge(t *testing.T) {
	now := time.Now()
	tests := map[string]struct {
		args []string
		want []core.Notice
	}{
		"terminate": {[]string{"spot", "--action", "terminate"}, []core.Notice{
			{Kind: core.SpotInterruption, Action: "terminate", At: now.Add(2 * time.Minute)},
			{Kind: core.Rebalance, At: now},
		}},
		"hibernate": {[]string{"spot", "--action", "hibernate"}, []core.Notice{
			{Kind: core.SpotInterruption, Action: "hibernate", At: now.Add(2 * time.Minute)},
			{Kind: core.Rebalance, At: now},
		}},
		"scheduled event": {[]string{"events", "--code", "instance-retirement", "--not-before", now.Add(time.Hour).UTC().Format(time.RFC3339)}, []core.Notice{
			{Kind: core.ScheduledEvent, ID: "instance-event-1234567890abcdef0", Action: "instance-retirement", At: now.Add(time.Hour)},
		}},
		"not yet": {[]string{"spot", "--mock-delay-sec", "600", "--rebalance-delay-sec", "600"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := foreign(t, tt.args...)
			id, err := m.Identity(t.Context())
			if err != nil || id.InstanceID != "i-1234567890abcdef0" {
				t.Errorf("the identity is %+v, %v", id, err)
			}
			elapsed := time.Duration(0)
			n := NewNotices(m, func() time.Duration { return elapsed })
			first, err := n.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			about := cmp.Options{cmpopts.EquateApproxTime(20 * time.Second), cmp.FilterPath(func(p cmp.Path) bool {
				return p.Last().String() == ".ID" && name != "scheduled event"
			}, cmp.Ignore())}
			if diff := cmp.Diff(tt.want, first, about); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			time.Sleep(1100 * time.Millisecond) // the mock's clock has seconds
			elapsed += time.Hour
			again, err := n.Read(t.Context())
			if err != nil || len(again) != len(first) {
				t.Fatalf("read again: %v, %v", again, err)
			}
			for i := range again {
				if again[i].ID != first[i].ID {
					t.Errorf("%+v was %+v", again[i], first[i])
				}
			}
		})
	}
}
