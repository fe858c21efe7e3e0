package machine

import (
	"context"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// shortestBoot is the least time between two boots: a machine that does nothing
// but reboot must not eat the host.
const shortestBoot = time.Second

// machine is a machine from its first boot to its end, over all reboots.
type machine struct {
	runtime *Runtime
	want    runtime.Machine
	done    chan struct{}
	wanted  context.Context // ends when the machine is told to power off
	unwant  context.CancelFunc

	mu  sync.Mutex
	now *life
}

// life is a boot and what follows it.
type life struct {
	*boot
	mu    sync.Mutex
	reset bool          // its plug is pulled for a reboot
	next  chan struct{} // closed when the next boot runs, or the machine is off
}

func newMachine(r *Runtime, m runtime.Machine, first *boot) *machine {
	wanted, unwant := context.WithCancel(context.Background())
	return &machine{runtime: r, want: m, done: make(chan struct{}), wanted: wanted, unwant: unwant, now: newLife(first)}
}

func newLife(b *boot) *life { return &life{boot: b, next: make(chan struct{})} }

// live sees a machine through its boots to its end.
func (m *machine) live() {
	defer close(m.done)
	defer m.unwant()
	for {
		l := m.current()
		<-l.gone
		l.figures.stop()
		again := l.again || l.wasReset()
		if !again || !m.mayBoot(l.begun) {
			close(l.next)
			return
		}
		b, err := m.runtime.boot(m.wanted, m.want)
		if err != nil {
			if m.wanted.Err() == nil {
				l.log.Error("the machine does not come up again and is off", "error", err)
			}
			close(l.next)
			return
		}
		m.mu.Lock()
		m.now = newLife(b)
		m.mu.Unlock()
		if m.wanted.Err() != nil {
			b.pullPlug() // PowerOff asked the boot before this one
		}
		close(l.next)
	}
}

func (l *life) wasReset() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reset
}

// mayBoot waits until a machine that booted at begun may boot again, and says
// whether it still is to.
func (m *machine) mayBoot(begun time.Time) bool {
	t := time.NewTimer(time.Until(begun.Add(shortestBoot)))
	defer t.Stop()
	select {
	case <-t.C:
		return m.wanted.Err() == nil
	case <-m.wanted.Done():
		return false
	}
}

func (m *machine) current() *life {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Done implements runtime.Running.
func (m *machine) Done() <-chan struct{} { return m.done }

// PowerOff implements runtime.Running.
func (m *machine) PowerOff(ctx context.Context) {
	m.unwant()
	l := m.current()
	if ctx.Err() == nil {
		l.order(sigPowerOff)
	}
	select {
	case <-m.done:
	case <-ctx.Done():
		l.pullPlug()
		<-m.done
	}
}

// Reboot implements runtime.Running.
func (m *machine) Reboot(ctx context.Context) {
	l := m.current()
	l.order(sigReboot)
	select {
	case <-l.gone:
	case <-ctx.Done():
		l.mu.Lock()
		l.reset = true
		l.mu.Unlock()
		l.pullPlug()
	}
	<-l.next
}
