package sandbox

import (
	"errors"
	"fmt"
	"net"
	goruntime "runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// metadataIP is where every instance finds its metadata service.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
const metadataIP = "169.254.169.254"

// interfaceName is the network interface of a Nitro instance with a modern
// image.
const interfaceName = "ens5"

// errElsewhere says that the init cannot go on: its thread is in the gateway's
// network.
var errElsewhere = errors.New("cannot return to the machine's network")

// makeNetwork gives the machine its loopback, with the metadata service's
// address on it, and an interface named as on a Nitro instance that carries the
// private address. What the machine asks of the metadata service and of the
// cloud's endpoint counts on the loopback alone. The interface leads to the
// gateway and no further. Without the kernel's veth module the private address
// is on the loopback.
func makeNetwork(s spec, warn func(string)) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring the loopback up: %w", err)
	}
	if err := addAddress(lo, metadataIP); err != nil {
		return err
	}
	if s.PrivateIP == "" {
		return nil
	}
	ens5, err := makeInterface(s)
	if errors.Is(err, errElsewhere) {
		return err
	}
	if err != nil {
		warn("the machine has no ens5, its address is on the loopback: " + err.Error())
		return addAddress(lo, s.PrivateIP)
	}
	if err := addAddress(ens5, s.PrivateIP); err != nil {
		return err
	}
	return addNeighbour(ens5, s.Gateway)
}

// makeInterface makes ens5 and, in a network namespace that nothing else is in,
// the gateway at the other end of its cable: what goes through counts as on a
// network.
func makeInterface(s spec) (netlink.Link, error) {
	// The other namespace is this thread's for a moment.
	goruntime.LockOSThread()
	own, err := openNetwork()
	if err != nil {
		goruntime.UnlockOSThread()
		return nil, err
	}
	defer unix.Close(own) //nolint:errcheck // it only names something
	err = makeGateway(s, own)
	if back := unix.Setns(own, unix.CLONE_NEWNET); back != nil {
		return nil, errors.Join(errElsewhere, back)
	}
	goruntime.UnlockOSThread()
	if err != nil {
		return nil, err
	}
	ens5, err := netlink.LinkByName(interfaceName)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", interfaceName, err)
	}
	if err := netlink.LinkSetUp(ens5); err != nil {
		return nil, fmt.Errorf("bring %s up: %w", interfaceName, err)
	}
	return ens5, nil
}

// openNetwork opens the calling thread's network namespace.
func openNetwork() (int, error) {
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open a network namespace: %w", err)
	}
	return fd, nil
}

// makeGateway takes the calling thread to a new network namespace, where it
// makes the gateway's end of the cable whose other end is in the machine's.
func makeGateway(s spec, machine int) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make the gateway's network: %w", err)
	}
	// Never closed: the namespace lasts as long as the init has it open.
	if _, err := openNetwork(); err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "gateway"
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: interfaceName, PeerNamespace: netlink.NsFd(machine)}); err != nil {
		return fmt.Errorf("make a pair of interfaces: %w", err)
	}
	gateway, err := netlink.LinkByName(attrs.Name)
	if err != nil {
		return fmt.Errorf("find the gateway: %w", err)
	}
	if err := netlink.LinkSetUp(gateway); err != nil {
		return fmt.Errorf("bring the gateway up: %w", err)
	}
	if s.Gateway == "" {
		return nil
	}
	if err := addAddress(gateway, s.Gateway); err != nil {
		return err
	}
	return addNeighbour(gateway, s.PrivateIP)
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
