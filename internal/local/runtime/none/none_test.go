package none_test

import (
	"context"
	"errors"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
)

func TestMachineIsOnUntilPoweredOff(t *testing.T) {
	var rt runtime.Runtime = none.New()
	m, err := rt.Boot(t.Context(), runtime.Machine{ID: "i-1"})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-m.Done():
		t.Fatal("a machine that was just booted is off")
	default:
	}
	if _, err := m.Exec(t.Context(), runtime.Command{Args: []string{"true"}}); !errors.Is(err, runtime.ErrNoInside) {
		t.Errorf("Exec: got %v, want ErrNoInside", err)
	}
	m.PowerOff(t.Context())
	m.PowerOff(t.Context()) // pressing the button twice is not an error
	select {
	case <-m.Done():
	default:
		t.Error("the machine is on after PowerOff returned")
	}
}

func TestBootOfACancelledStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := none.New().Boot(ctx, runtime.Machine{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
