package reboots_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime/reboots"
)

// boot is a boot of a machine that is a channel: it ends when it is told how.
type boot struct {
	again  chan bool
	orders []reboots.Order
	cuts   []reboots.Order
	deaf   bool // its operating system does not follow orders
}

func newBoot() *boot { return &boot{again: make(chan bool, 1)} }

func (b *boot) Attend() bool { return <-b.again }

func (b *boot) Ask(o reboots.Order) {
	b.orders = append(b.orders, o)
	if !b.deaf {
		b.again <- o == reboots.Restart
	}
}

func (b *boot) Cut(o reboots.Order) {
	b.cuts = append(b.cuts, o)
	b.again <- o == reboots.Restart
}

// shelf boots what stands on it, one after the other.
func shelf(boots ...*boot) func(context.Context) (*boot, error) {
	return func(context.Context) (*boot, error) {
		if len(boots) == 0 {
			return nil, errors.New("the shelf is empty")
		}
		b := boots[0]
		boots = boots[1:]
		return b, nil
	}
}

func isOff(m *reboots.Machine[*boot]) bool {
	synctest.Wait()
	select {
	case <-m.Done():
		return true
	default:
		return false
	}
}

func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newBoot(), newBoot(), newBoot()
		m := reboots.See(first, shelf(second, third), slog.New(slog.DiscardHandler))
		begun := time.Now()
		m.Reboot(t.Context())
		if m.Current() != second || time.Since(begun) < time.Second {
			t.Errorf("rebooted after %v into another boot: %t", time.Since(begun), m.Current() != second)
		}
		second.deaf = true
		bounded, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		m.Reboot(bounded) // the reset button
		if m.Current() != third || len(second.cuts) != 1 || second.cuts[0] != reboots.Restart || isOff(m) {
			t.Errorf("cut %v, off %t", second.cuts, isOff(m))
		}
		m.PowerOff(t.Context())
		if !isOff(m) || len(third.orders) != 1 || third.orders[0] != reboots.PowerOff {
			t.Errorf("orders %v, off %t", third.orders, isOff(m))
		}
	})
}

// TestPowerOffWins over a reboot that is under way, before the next boot and in it.
func TestPowerOffWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newBoot(), newBoot()
		m := reboots.See(first, shelf(second), slog.New(slog.DiscardHandler))
		first.again <- true // by itself; it waits for the shortest boot to be over
		synctest.Wait()
		first.deaf = true
		m.PowerOff(t.Context())
		if m.Current() != first || !isOff(m) {
			t.Error("it booted again")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		first, second := newBoot(), newBoot()
		booting, proceed := make(chan struct{}), make(chan struct{})
		m := reboots.See(first, func(context.Context) (*boot, error) {
			close(booting)
			<-proceed
			return second, nil
		}, slog.New(slog.DiscardHandler))
		first.again <- true
		<-booting
		first.deaf = true
		off := make(chan struct{})
		go func() { defer close(off); m.PowerOff(t.Context()) }()
		synctest.Wait()
		close(proceed)
		<-off
		if len(second.cuts) != 1 || second.cuts[0] != reboots.PowerOff {
			t.Errorf("the boot that nobody wants was cut %v", second.cuts)
		}
	})
}

// TestWhatDoesNotComeUp is off.
func TestWhatDoesNotComeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := reboots.See(newBoot(), shelf(), slog.New(slog.DiscardHandler))
		m.Reboot(t.Context())
		if !isOff(m) {
			t.Error("it is not off")
		}
	})
}

// TestThePlug is pulled when the operating system does not shut down in time.
func TestThePlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoot()
		b.deaf = true
		m := reboots.See(b, shelf(), slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		m.PowerOff(ctx)
		if !isOff(m) || len(b.cuts) != 1 || b.cuts[0] != reboots.PowerOff {
			t.Errorf("cut %v, off %t", b.cuts, isOff(m))
		}
	})
}
