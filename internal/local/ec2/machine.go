package ec2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/imds"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// How long a machine may take, in real time.
const (
	bootTimeout     = 2 * time.Minute
	powerOffTimeout = 30 * time.Second // then the plug is pulled
)

// machine is an instance that is on. One goroutine boots it, waits for its end
// and settles what becomes of the instance.
type machine struct {
	id      string
	cancel  context.CancelFunc // asks for the end
	settled chan struct{}      // closed when the goroutine is through

	running runtime.Running // nil until it has booted; guarded by Service.mu
	cut     bool            // its end is a power failure; guarded by Service.mu
}

// powerOn boots an instance.
func (s *Service) powerOn(i Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return
	}
	wanted, cancel := context.WithCancel(context.Background())
	m := &machine{id: i.ID, cancel: cancel, settled: make(chan struct{})}
	s.machines[i.ID] = m
	if s.consoles[i.ID] == nil {
		s.consoles[i.ID] = &console{}
	}
	spec := s.specify(i, s.consoles[i.ID])
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		spec.Gateway = s.router(i.Subnet)
		s.live(wanted, m, spec)
	}()
}

func (s *Service) specify(i Instance, console *console) runtime.Machine {
	host, _, _ := strings.Cut(privateDNS(i.Region, i.PrivateIP), ".")
	return runtime.Machine{
		ID: i.ID, Hostname: host, PrivateIP: i.PrivateIP, VCPUs: i.VCPUs, Arch: i.Architecture, Dir: s.dir(i.ID),
		Metadata: imds.New(&self{s, i.ID}), API: s.API, APIAddr: s.APIAddr, Console: console,
	}
}

// router is the address of a subnet's router: the first after its network's.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
func (s *Service) router(subnet string) (address string) {
	err := s.Store.View(func(tx *store.Tx) error {
		if n, found := s.subnets.Get(tx, subnet); found {
			address = netip.MustParsePrefix(n.CIDR).Masked().Addr().Next().String()
		}
		return nil
	})
	if err != nil {
		s.Log.Error("look for a subnet's router", "subnet", subnet, "error", err)
	}
	return address
}

func (s *Service) dir(id string) string { return filepath.Join(s.Dir, "instances", id) }

// live is the life of a machine, from power-on to power-off.
func (s *Service) live(wanted context.Context, m *machine, spec runtime.Machine) {
	defer close(m.settled)
	defer m.cancel()
	running, err := s.boot(wanted, spec)
	if err == nil {
		s.mu.Lock()
		m.running = running
		s.mu.Unlock()
		if !s.booted(m.id) {
			m.cancel()
		}
		select {
		case <-running.Done():
		case <-wanted.Done():
			s.shutDown(m)
		}
	} else {
		s.Log.Warn("an instance did not boot", "instance", m.id, "error", err)
	}
	s.mu.Lock()
	delete(s.machines, m.id)
	closing := s.closing
	s.mu.Unlock()
	if !closing { // an instance does not end because its cloud does
		s.poweredOff(m.id, err)
	}
}

// shutDown powers a machine off, and pulls the plug at once where that is what
// happened to it.
func (s *Service) shutDown(m *machine) {
	s.mu.Lock()
	running, cut := m.running, m.cut
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), powerOffTimeout)
	defer cancel()
	if cut {
		cancel()
	}
	running.PowerOff(ctx)
}

func (s *Service) boot(wanted context.Context, spec runtime.Machine) (runtime.Running, error) {
	if err := os.MkdirAll(spec.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of %s: %w", spec.ID, err)
	}
	ctx, cancel := context.WithTimeout(wanted, bootTimeout)
	defer cancel()
	running, err := s.Runtime.Boot(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", spec.ID, err)
	}
	return running, nil
}

// powerOff asks a machine to end; its goroutine does the rest.
func (s *Service) powerOff(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[id]; m != nil {
		m.cancel()
	}
}

// booted notes that a machine runs. It is false if the instance was told to
// end meanwhile, perhaps before there was a machine to tell.
func (s *Service) booted(id string) (wanted bool) {
	s.settle(id, func(tx *store.Tx, i Instance) {
		i.Boots++
		if i.State == Pending {
			i.State, wanted = Running, true
		}
		s.instances.Put(tx, id, i)
	})
	return wanted
}

// poweredOff does with an instance whose machine is off what it was told to, or
// what it is set to do when it shuts itself down. One that never came up is
// terminated. An instance shows as terminated when its disk is gone.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingInstanceInitiatedShutdownBehavior.html
func (s *Service) poweredOff(id string, bootErr error) {
	ends := false
	s.settle(id, func(tx *store.Tx, i Instance) {
		switch {
		case i.State == ShuttingDown:
		case i.State == Stopping:
			s.stopped(tx, i)
			return
		case bootErr != nil && i.Boots > 0:
			i.Reason = reason("Server.InternalError", "Internal error on start")
			s.stopped(tx, i)
			return
		case errors.Is(bootErr, runtime.ErrNoCapacity):
			i.Reason = reason("Server.InsufficientInstanceCapacity", bootErr.Error())
		case bootErr != nil:
			i.Reason = reason("Server.InternalError", "Internal error on launch")
		default:
			i.Reason = reason("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
			if s.stopsItself(tx, i) {
				s.stopped(tx, i)
				return
			}
		}
		i.State, ends = ShuttingDown, true
		s.instances.Put(tx, id, i)
	})
	if !ends {
		return
	}
	s.discard(id) // outside any transaction: a disk may be large
	s.settle(id, func(tx *store.Tx, i Instance) { s.end(tx, i) })
}

// settle changes an instance outside any call.
func (s *Service) settle(id string, change func(*store.Tx, Instance)) {
	err := s.Store.Update(func(tx *store.Tx) error {
		if i, found := s.instances.Get(tx, id); found {
			change(tx, i)
		}
		return nil
	})
	if err != nil {
		s.Log.Error("settle an instance", "instance", id, "error", err)
	}
}

// discard deletes the folder of an instance that ended: its disk is gone.
func (s *Service) discard(id string) {
	if err := removeTree(s.dir(id)); err != nil {
		s.Log.Error("delete the disk of an ended instance", "instance", id, "error", err)
	}
}

// removeTree deletes a folder even if parts of it forbid being looked into, as
// the work folder of an overlay does.
func removeTree(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			return os.Chmod(path, 0o700) //nolint:gosec // a folder needs x, and is about to be deleted
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

// Exec runs a command inside an instance. The error is a *wire.Error of
// IncorrectInstanceState or InvalidInstanceID.NotFound, or what the runtime says.
func (s *Service) Exec(ctx context.Context, id string, c runtime.Command) (int, error) {
	var region string
	err := s.Store.View(func(tx *store.Tx) error {
		i, found := s.instances.Get(tx, id)
		if !found {
			return errNoResource("i", id)
		}
		region = i.Region
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	m := s.machines[id]
	var running runtime.Running
	if m != nil {
		running = m.running
	}
	s.mu.Unlock()
	if running == nil {
		return 0, fmt.Errorf("%s in %s is not running", id, region)
	}
	return running.Exec(ctx, c)
}

// Close powers every machine off and waits, no longer than ctx lets it. The
// instances' state stays what it was.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for _, m := range s.machines {
		m.cancel()
	}
	s.mu.Unlock()
	off := make(chan struct{})
	go func() {
		s.running.Wait()
		close(off)
	}()
	select {
	case <-off:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the machines to power off: %w", ctx.Err())
	}
}
