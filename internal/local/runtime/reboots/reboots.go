// Package reboots sees a machine through its boots to its end, for the runtimes
// whose machines can boot again. What a boot is, it does not know.
package reboots

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// shortest is the least time between two boots of a machine. Firmware takes
// longer; a machine that does nothing but reboot must not eat the host.
const shortest = time.Second

// Order is what the operating system of a machine can be asked to do.
type Order int

// The orders.
const (
	PowerOff Order = iota + 1
	Restart
)

// Boot is one boot of a machine.
type Boot interface {
	// Attend waits until everything of this boot has gone, cleans up and tells
	// whether the machine is to boot again. It is called once.
	Attend() (again bool)
	// Ask gives the operating system an order. One that cannot be given is
	// carried out by Cut, unless the machine is going already.
	Ask(Order)
	// Cut pulls the plug, of a machine that is to boot again for Restart.
	Cut(Order)
}

// Machine is a machine from its first boot to its end, over all reboots. It
// is all of a runtime.Running but Exec.
type Machine[B Boot] struct {
	boot   func(context.Context) (B, error)
	log    *slog.Logger
	done   chan struct{}
	wanted context.Context // ends when the machine is told to power off
	unwant context.CancelFunc

	mu  sync.Mutex
	now *life[B]
}

// life is a boot and what follows it.
type life[B Boot] struct {
	boot  B
	begun time.Time
	gone  chan struct{} // closed when everything of the boot has gone
	next  chan struct{} // closed when the next boot runs, or the machine is off
}

// See sees a machine through its life, from its first boot on. again boots it
// once more; its context ends when the machine is told to power off.
func See[B Boot](first B, again func(context.Context) (B, error), log *slog.Logger) *Machine[B] {
	wanted, unwant := context.WithCancel(context.Background()) //nolint:gosec // live calls it
	m := &Machine[B]{boot: again, log: log, done: make(chan struct{}), wanted: wanted, unwant: unwant, now: begin(first)}
	go m.live()
	return m
}

func begin[B Boot](b B) *life[B] {
	return &life[B]{boot: b, begun: time.Now(), gone: make(chan struct{}), next: make(chan struct{})}
}

func (m *Machine[B]) live() {
	defer close(m.done)
	defer m.unwant()
	for m.lives(m.current()) {
	}
}

// lives sees the machine through one boot, and tells whether it has another.
func (m *Machine[B]) lives(l *life[B]) bool {
	defer close(l.next)
	again := l.boot.Attend()
	close(l.gone)
	if !again || !m.mayBoot(l.begun) {
		return false
	}
	b, err := m.boot(m.wanted)
	if err != nil {
		if m.wanted.Err() == nil {
			m.log.Error("the machine does not come up again and is off", "error", err)
		}
		return false
	}
	m.mu.Lock()
	m.now = begin(b)
	m.mu.Unlock()
	if m.wanted.Err() != nil {
		b.Cut(PowerOff) // PowerOff asked the boot before this one
	}
	return true
}

// mayBoot waits until a machine that booted at begun may boot again, and says
// whether it still is to.
func (m *Machine[B]) mayBoot(begun time.Time) bool {
	t := time.NewTimer(time.Until(begun.Add(shortest)))
	defer t.Stop()
	select {
	case <-t.C:
		return m.wanted.Err() == nil
	case <-m.wanted.Done():
		return false
	}
}

func (m *Machine[B]) current() *life[B] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Current is the machine's latest boot. While it reboots that one has gone.
func (m *Machine[B]) Current() B { return m.current().boot }

// Done implements runtime.Running.
func (m *Machine[B]) Done() <-chan struct{} { return m.done }

// PowerOff implements runtime.Running. A reboot that is under way ends there.
func (m *Machine[B]) PowerOff(ctx context.Context) {
	m.unwant()
	l := m.current()
	if ctx.Err() == nil {
		l.boot.Ask(PowerOff)
	}
	select {
	case <-m.done:
	case <-ctx.Done():
		l.boot.Cut(PowerOff)
		<-m.done
	}
}

// Reboot implements runtime.Running.
func (m *Machine[B]) Reboot(ctx context.Context) {
	l := m.current()
	l.boot.Ask(Restart)
	select {
	case <-l.gone:
	case <-ctx.Done():
		l.boot.Cut(Restart)
	}
	<-l.next
}
