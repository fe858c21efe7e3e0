package network

import (
	"errors"
	"fmt"
	"net"
	"os"
	goruntime "runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// MetadataIP is where every instance finds its metadata service.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
const MetadataIP = "169.254.169.254"

// interfaceName is the network interface of a Nitro instance with a modern
// image.
const interfaceName = "ens5"

// errElsewhere says that the caller cannot go on: its thread is in the gateway's
// network.
var errElsewhere = errors.New("cannot return to the machine's network")

// Addresses are those of a machine.
type Addresses struct {
	PrivateIP string // shown on the machine's interface; "" is none
	Gateway   string // of its subnet's router; "" is none
}

// Make fills the network namespace that the calling thread is in. It gives the
// machine its loopback, with the metadata service's address on it, and an
// interface named as on a Nitro instance that carries the private address. What
// the machine asks of the metadata service and of the cloud's endpoint counts on
// the loopback alone. The interface leads to the gateway and no further. Without
// the kernel's veth module the private address is on the loopback.
//
// The gateway's namespace lasts as long as the file that is returned is open; it
// is nil where there is none.
func Make(a Addresses, warn func(string)) (gateway *os.File, err error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("find the loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return nil, fmt.Errorf("bring the loopback up: %w", err)
	}
	if err := addAddress(lo, MetadataIP); err != nil {
		return nil, err
	}
	if a.PrivateIP == "" {
		return nil, nil
	}
	ens5, gateway, err := makeInterface(a)
	if errors.Is(err, errElsewhere) {
		return nil, err
	}
	if err != nil {
		warn("the machine has no ens5, its address is on the loopback: " + err.Error())
		return nil, addAddress(lo, a.PrivateIP)
	}
	if err := addAddress(ens5, a.PrivateIP); err != nil {
		return gateway, err
	}
	return gateway, addNeighbour(ens5, a.Gateway)
}

// makeInterface makes ens5 and, in a network namespace that nothing else is in,
// the gateway at the other end of its cable: what goes through counts as on a
// network.
func makeInterface(a Addresses) (netlink.Link, *os.File, error) {
	// The other namespace is this thread's for a moment.
	goruntime.LockOSThread()
	own, err := Open()
	if err != nil {
		goruntime.UnlockOSThread()
		return nil, nil, err
	}
	defer own.Close()
	gateway, err := makeGateway(a, own)
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		return nil, nil, errors.Join(errElsewhere, back)
	}
	goruntime.UnlockOSThread()
	if err != nil {
		return nil, nil, err
	}
	ens5, err := netlink.LinkByName(interfaceName)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("find %s: %w", interfaceName, err), gateway.Close())
	}
	if err := netlink.LinkSetUp(ens5); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("bring %s up: %w", interfaceName, err), gateway.Close())
	}
	return ens5, gateway, nil
}

// Open opens the calling thread's network namespace, which lasts as long as the
// file is open.
func Open() (*os.File, error) {
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("open a network namespace: %w", err)
	}
	return f, nil
}

// makeGateway takes the calling thread to a new network namespace, where it
// makes the gateway's end of the cable whose other end is in the machine's.
func makeGateway(a Addresses, machine *os.File) (own *os.File, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("make the gateway's network: %w", err)
	}
	if own, err = Open(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = own.Close() // it only names something
		}
	}()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "gateway"
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: interfaceName, PeerNamespace: netlink.NsFd(machine.Fd())}); err != nil {
		return nil, fmt.Errorf("make a pair of interfaces: %w", err)
	}
	gateway, err := netlink.LinkByName(attrs.Name)
	if err != nil {
		return nil, fmt.Errorf("find the gateway: %w", err)
	}
	if err := netlink.LinkSetUp(gateway); err != nil {
		return nil, fmt.Errorf("bring the gateway up: %w", err)
	}
	if a.Gateway == "" {
		return own, nil
	}
	if err := addAddress(gateway, a.Gateway); err != nil {
		return nil, err
	}
	return own, addNeighbour(gateway, a.PrivateIP)
}

func addAddress(l netlink.Link, ip string) error {
	only, err := single(ip)
	if err != nil {
		return err
	}
	// A /32 makes no route, so that what is not here is unreachable at once.
	if err := netlink.AddrAdd(l, &netlink.Addr{IPNet: only}); err != nil {
		return fmt.Errorf("give %s the address %s: %w", l.Attrs().Name, ip, err)
	}
	return nil
}

// addNeighbour makes an address reachable through an interface, if there is one.
func addNeighbour(l netlink.Link, ip string) error {
	if ip == "" {
		return nil
	}
	only, err := single(ip)
	if err != nil {
		return err
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: only, Scope: netlink.SCOPE_LINK}); err != nil {
		return fmt.Errorf("reach %s through %s: %w", ip, l.Attrs().Name, err)
	}
	return nil
}

// single is the network that has one address.
func single(ip string) (*net.IPNet, error) {
	addr := net.ParseIP(ip).To4()
	if addr == nil {
		return nil, fmt.Errorf("%q is no IPv4 address", ip)
	}
	return &net.IPNet{IP: addr, Mask: net.CIDRMask(32, 32)}, nil
}
