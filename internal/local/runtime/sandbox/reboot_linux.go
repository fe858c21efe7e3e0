package sandbox

import (
	"context"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// shortestBoot is the least time between two boots of a machine. Firmware takes
// longer; a machine that does nothing but reboot must not eat the host.
const shortestBoot = time.Second

// machine is a machine from its first boot to its end, over all reboots.
type machine struct {
	runtime *Runtime
	spec    spec
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
	begun time.Time
	next  chan struct{} // closed when the next boot runs, or the machine is off
}

func (r *Runtime) newMachine(s spec, m runtime.Machine, first *boot) *machine {
	wanted, unwant := context.WithCancel(context.Background())
	return &machine{
		runtime: r, spec: s, want: m, done: make(chan struct{}), wanted: wanted, unwant: unwant,
		now: newLife(first),
	}
}

func newLife(b *boot) *life { return &life{boot: b, begun: time.Now(), next: make(chan struct{})} }

// live sees a machine through its boots to its end.
func (m *machine) live() {
	defer close(m.done)
	defer m.unwant()
	for {
		l := m.current()
		if !l.attend() || !m.mayBoot(l.begun) {
			close(l.next)
			return
		}
		b, err := m.runtime.boot(m.wanted, m.spec, m.want)
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

func (m *machine) Done() <-chan struct{} { return m.done }

// PowerOff asks the init to shut down and pulls the plug when ctx ends before
// it has done so. A reboot that is under way ends there.
func (m *machine) PowerOff(ctx context.Context) {
	m.unwant()
	l := m.current()
	l.ask(message{Kind: kindPowerOff})
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
	l.ask(message{Kind: kindReboot})
	select {
	case <-l.gone:
	case <-ctx.Done():
		l.reset.Store(true)
		l.pullPlug()
	}
	<-l.next
}

// Exec runs a command inside. While the machine reboots there is no inside.
func (m *machine) Exec(ctx context.Context, c runtime.Command) (int, error) {
	return m.current().exec(ctx, c)
}

// ask tells the init something that ends it. One that cannot be told, and has
// not ended already, has its plug pulled.
func (b *boot) ask(what message) {
	err := b.link.send(what)
	if err == nil {
		return
	}
	select {
	case <-b.gone:
	default:
		b.log.Warn("cannot ask the machine to shut down, its plug is pulled", "error", err)
		b.reset.Store(what.Kind == kindReboot)
		b.pullPlug()
	}
}
