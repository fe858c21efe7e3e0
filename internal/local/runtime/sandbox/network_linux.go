package sandbox

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
)

// metadataIP is where every instance finds its metadata service.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
const metadataIP = "169.254.169.254"

// makeNetwork gives the machine its loopback, with the metadata service's
// address on it, and an interface named as on a Nitro instance that carries the
// private address. There is no way out: the far end of that interface is
// inside, too. Without the kernel's veth module the address is on the loopback.
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
	ens5, err := makeInterface()
	if err != nil {
		warn("the machine has no ens5, its address is on the loopback: " + err.Error())
		ens5 = lo
	}
	return addAddress(ens5, s.PrivateIP)
}

// makeInterface makes ens5 and the other end of its cable.
func makeInterface() (netlink.Link, error) {
	const name, far = "ens5", "gateway"
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: far}); err != nil {
		return nil, fmt.Errorf("make a pair of interfaces: %w", err)
	}
	var ens5 netlink.Link
	for _, n := range []string{far, name} {
		l, err := netlink.LinkByName(n)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", n, err)
		}
		if err := netlink.LinkSetUp(l); err != nil {
			return nil, fmt.Errorf("bring %s up: %w", n, err)
		}
		ens5 = l
	}
	return ens5, nil
}

func addAddress(l netlink.Link, ip string) error {
	addr := net.ParseIP(ip).To4()
	if addr == nil {
		return fmt.Errorf("%q is no IPv4 address", ip)
	}
	// A /32 makes no route, so that what is not here is unreachable at once.
	err := netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: addr, Mask: net.CIDRMask(32, 32)}})
	if err != nil {
		return fmt.Errorf("give %s the address %s: %w", l.Attrs().Name, ip, err)
	}
	return nil
}
