package ec2

import (
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// State is a state in an instance's life.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
type State string

// The states.
const (
	Pending      State = "pending"
	Running      State = "running"
	ShuttingDown State = "shutting-down"
	Terminated   State = "terminated"
	Stopping     State = "stopping"
	Stopped      State = "stopped"
)

// States are all states, in the order of a life.
func States() []State { return []State{Pending, Running, Stopping, Stopped, ShuttingDown, Terminated} }

// code is the state's number.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
func (s State) code() int {
	switch s {
	case Running:
		return 16
	case ShuttingDown:
		return 32
	case Terminated:
		return 48
	case Stopping:
		return 64
	case Stopped:
		return 80
	}
	return 0
}

// visible is how long a terminated instance is still described.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html
const visible = time.Hour

// Instance is an instance.
type Instance struct {
	ID, Region   string
	Reservation  string
	Owner        string // the account
	Index        int    // within its reservation
	Token        string // the launch's client token
	Type         string
	VCPUs        int
	Image        string
	Architecture string
	RootDevice   string
	KeyName      string
	PublicKey    string
	Zone, ZoneID string
	Subnet, VPC  string
	Interface    string   // empty once terminated
	Volumes      []string // the root first
	PrivateIP    string
	PublicIP     string
	Groups       []string
	ProfileName  string
	ProfileARN   string
	ProfileID    string
	UserData     []byte
	Metadata     MetadataOptions
	OnShutdown   string // stop or terminate: what a power-off from inside does
	Protected    bool   // from TerminateInstances

	EBSOptimized bool
	Monitored    bool
	Credits      string // of a burstable type: standard, unlimited, or empty: the default
	Hibernation  bool   // whether it can hibernate
	SpotRequest  string // empty: on demand

	CapacityPreference string // as the launch gave it
	CapacityTarget     string // the reservation that the launch named
	Capacity           string // the reservation it runs in; empty: none

	State      State
	Reason     StateReason // why it is not pending or running
	Transition string      // the same, as an older field words it
	Boots      int         // how often it came up
	Created    time.Time
	Launched   time.Time // the last start
	Ended      time.Time // zero until terminated

	Interruption Interruption // of Spot, ordered; zero: none
	Rebalance    time.Time    // when the recommendation was made; zero: none
	Scheduled    []Maintenance
}

// MetadataOptions say how the instance's metadata can be asked for.
type MetadataOptions struct {
	Endpoint string // enabled or disabled
	Tokens   string // required or optional
	HopLimit int
	Tags     string // enabled or disabled: whether tags are shown
}

// StateReason says why an instance changed its state.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
type StateReason struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

func reason(code, message string) StateReason { return StateReason{code, code + ": " + message} }

// userInitiated is how a call that stops or terminates shows in an instance.
func userInitiated(now time.Time) (StateReason, string) {
	return reason("Client.UserInitiatedShutdown", "User initiated shutdown"),
		fmt.Sprintf("User initiated (%s GMT)", now.UTC().Format("2006-01-02 15:04:05"))
}

// ending tells that an instance has ended or is about to.
func (i Instance) ending() bool { return i.State == Terminated || i.State == ShuttingDown }

func (i Instance) origin() origin { return origin{"i", i.ID, i.Region, i.Created} }

// end takes from an instance what it holds, and drops its record when it has
// been seen for long enough. Volumes that are to stay become available.
func (s *Service) end(tx *store.Tx, i Instance) Instance {
	s.releasePublic(tx, i.PublicIP)
	if i.Interface != "" {
		s.release(tx, i.Subnet, i.PrivateIP)
		s.interfaces.Delete(tx, i.Interface)
		s.tags.Delete(tx, i.Interface)
	}
	for _, v := range s.volumesOf(tx, i) {
		if v.DeleteOnTermination {
			s.volumes.Delete(tx, v.ID)
			s.tags.Delete(tx, v.ID)
			continue
		}
		v.Instance, v.Device, v.Attached = "", "", time.Time{}
		s.volumes.Put(tx, v.ID, v)
	}
	i.State, i.Ended = Terminated, tx.Now()
	i.Interruption, i.Rebalance, i.Scheduled = Interruption{}, time.Time{}, nil
	i.Interface, i.Volumes, i.Groups = "", nil, nil
	i.PrivateIP, i.PublicIP, i.Subnet, i.VPC = "", "", "", ""
	i.ProfileName, i.ProfileARN, i.ProfileID = "", "", ""
	s.instances.Put(tx, i.ID, i)
	s.spotEnded(tx, i)
	tx.AfterCommit(func() { s.Clock.AfterFunc(visible, func() { s.forget(i.ID) }) })
	return i
}

// forget drops the record of an instance that ended.
func (s *Service) forget(id string) {
	err := s.Store.Update(func(tx *store.Tx) error {
		i, found := s.instances.Get(tx, id)
		if !found {
			return nil
		}
		s.instances.Delete(tx, id)
		s.tags.Delete(tx, id)
		s.tokens.Delete(tx, tokenRow(i.Region, i.Zone, i.Token))
		s.tokens.Delete(tx, tokenRow(i.Region, "", i.Token))
		return nil
	})
	if err != nil {
		s.Log.Error("forget an ended instance", "instance", id, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.consoles, id)
}

// Count counts the instances of all regions by state.
func (s *Service) Count() map[State]int {
	counts := map[State]int{}
	err := s.Store.View(func(tx *store.Tx) error {
		for _, i := range s.instances.All(tx) {
			counts[i.State]++
		}
		return nil
	})
	if err != nil {
		panic(err) // the function above returns none
	}
	return counts
}

type stateView struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func (s State) view() stateView { return stateView{s.code(), string(s)} }

type stateChange struct {
	ID       string    `xml:"instanceId"`
	Current  stateView `xml:"currentState"`
	Previous stateView `xml:"previousState"`
}

type stateChanges struct {
	Instances wire.Items[stateChange] `xml:"instancesSet"`
}
