package lifecycle_test

import (
	"testing"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

func TestParseState(t *testing.T) {
	for name, want := range map[string]struct {
		state lifecycle.State
		ended bool
	}{
		"pending":       {lifecycle.StatePending, false},
		"running":       {lifecycle.StateRunning, false},
		"stopping":      {lifecycle.StateStopping, false},
		"stopped":       {lifecycle.StateStopped, false},
		"shutting-down": {lifecycle.StateShuttingDown, true},
		"terminated":    {lifecycle.StateTerminated, true},
		"":              {lifecycle.StateUnknown, false},
		"Running":       {lifecycle.StateUnknown, false},
		"hibernating":   {lifecycle.StateUnknown, false},
		"unknown":       {lifecycle.StateUnknown, false},
	} {
		got := lifecycle.ParseState(name)
		if got != want.state || got.Ended() != want.ended {
			t.Errorf("%q is read as %q, ended %v", name, got, got.Ended())
		}
	}
}
