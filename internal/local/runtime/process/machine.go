package process

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	goruntime "runtime"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

type machine struct {
	runtime *Runtime
	id      string
	dir     string
	env     []string
	console *console
	off     context.CancelFunc // asks the command to end, and is the last of it
	plug    context.Context    // the command is killed when this ends
	pull    context.CancelFunc
	done    chan struct{}
	reboots chan reboot // received by attend, between a start and an end of the command
}

// reboot asks for an end of the command that is not the machine's.
type reboot struct {
	hard    <-chan struct{} // the command is killed when this is closed
	through chan struct{}   // closed when the command was started again, or the machine is off
}

func (m *machine) Done() <-chan struct{} { return m.done }

// PowerOff asks the command to end and kills it after two seconds, or at once
// when ctx ends first.
func (m *machine) PowerOff(ctx context.Context) {
	m.off()
	select {
	case <-m.done:
	case <-ctx.Done():
		m.pull()
		<-m.done
	}
}

// Reboot asks the command to end, kills it after two seconds or when ctx ends
// first, and starts it again. A command that failed is started again first.
func (m *machine) Reboot(ctx context.Context) {
	r := reboot{hard: ctx.Done(), through: make(chan struct{})}
	select {
	case m.reboots <- r:
	case <-m.done:
		return
	}
	select {
	case <-r.through:
	case <-m.done:
	}
}

func (m *machine) Exec(context.Context, runtime.Command) (int, error) {
	return 0, runtime.ErrNoInside
}

// start starts the command. Its standard input stays open until it was waited
// for, or until this program ends (see EndWithCloud).
func (m *machine) start() (*exec.Cmd, error) {
	argv := m.runtime.command
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = m.dir, m.env
	cmd.Stdout, cmd.Stderr = m.console, m.console
	// A grandchild that keeps the console open must not keep the machine on.
	cmd.WaitDelay = grace
	isolate(cmd)
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return cmd, cmd.Start()
}

// live owns everything the machine has: the metadata server and, one after the
// other, the processes. started receives the outcome of the first start.
func (m *machine) live(life context.Context, l net.Listener, metadata http.Handler, started chan<- error) {
	// On Linux a child dies with the thread that started it (see isolate), so
	// this goroutine keeps its thread for the machine's whole life.
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	defer close(m.done)
	defer m.pull()
	defer m.off()
	defer serve(l, metadata, m.runtime.log)()

	cmd, err := m.start()
	started <- err
	if err != nil {
		return
	}
	for wait := firstPause; ; {
		var again *reboot
		if err == nil {
			begun := time.Now()
			again, err = m.attend(life, cmd)
			if life.Err() != nil || again == nil && cmd.ProcessState.Success() {
				return // it was told to, or powered itself off
			}
			if again != nil || time.Since(begun) > steady {
				wait = firstPause
			}
		}
		if again == nil {
			m.console.say("%s ended (%v) and is started again in %v", m.runtime.command[0], err, wait)
			m.runtime.log.Warn("machine's command ended", "instance", m.id, "error", err, "restart_in", wait)
			m.runtime.pause(life, wait)
			if life.Err() != nil {
				return
			}
			wait = min(2*wait, maxPause)
		}
		cmd, err = m.start()
		if again != nil {
			close(again.through)
		}
	}
}

// attend waits for a started command, which it ends when life does or when a
// reboot is asked for, which it then returns.
func (m *machine) attend(life context.Context, cmd *exec.Cmd) (*reboot, error) {
	var asked *reboot // written by the goroutine below, read when it has ended
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		var hard <-chan struct{}
		select {
		case <-ended:
			return
		case <-life.Done():
		case r := <-m.reboots:
			asked, hard = &r, r.hard
		}
		m.signal(cmd, terminate)
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-ended:
			return
		case <-t.C:
		case <-hard:
		case <-m.plug.Done():
		}
		m.signal(cmd, kill)
	}()
	err := cmd.Wait()
	close(ended)
	<-watched
	sweep(cmd) // what the command left behind in its process group
	return asked, err
}

// signal ends cmd by one of the system's ways. That it has ended already is
// not worth a word; anything else shows in the wait that follows.
func (m *machine) signal(cmd *exec.Cmd, how func(*exec.Cmd) error) {
	if err := how(cmd); err != nil {
		m.runtime.log.Debug("end machine's command", "instance", m.id, "error", err)
	}
}
