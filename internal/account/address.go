package account

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// addressService answers with the address that it sees its caller under. No
// AWS API tells it. https://checkip.amazonaws.com is run by AWS.
const addressService = "https://checkip.amazonaws.com"

const addressTimeout = 5 * time.Second

// Loopback is the caller's address as a cloud on the same machine sees it.
func Loopback() netip.Prefix { return netip.MustParsePrefix("127.0.0.1/32") }

// CallerAddress asks for the address under which the internet sees this
// machine, as a prefix of that one address.
func CallerAddress(ctx context.Context, client *http.Client) (netip.Prefix, error) {
	ctx, cancel := context.WithTimeout(ctx, addressTimeout)
	defer cancel()
	addr, err := askAddress(ctx, client)
	if err != nil {
		return netip.Prefix{}, problem.New(problem.Failed, "your public address could not be found: %w", err).
			WithNext("name it yourself: --ssh-cidr 203.0.113.7/32")
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

func askAddress(ctx context.Context, client *http.Client) (netip.Addr, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, addressService, nil)
	if err != nil {
		return netip.Addr{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return netip.Addr{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	if err != nil {
		return netip.Addr{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return netip.Addr{}, fmt.Errorf("%s answered %s", addressService, resp.Status)
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(string(body)))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s did not answer with an address", addressService)
	}
	return addr.Unmap(), nil
}

// ParseSource reads the network that --ssh-cidr names: a prefix or one address.
// Everybody is let in only where that was written as such: a prefix of no bits
// after any other address is a slip.
func ParseSource(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, problem.New(problem.Usage, "%q is not a network", s).WithNext("write it like 203.0.113.7/32")
	case p.Addr().Is4In6():
		return p, problem.New(problem.Usage, "%q is a network of IPv4 in IPv6's form", s).WithNext("write it like 203.0.113.7/32")
	case p.Bits() == 0 && p != p.Masked():
		return p, problem.New(problem.Usage, "%q would let everybody in", s).WithNext("write 203.0.113.7/32 for one address, or %s if that is what you want", p.Masked())
	}
	return p.Masked(), nil
}

// addressHolds is how long a machine's public address is believed while its own
// addresses stay the same: two launches in a row then ask nobody.
const addressHolds = 10 * time.Minute

// Address is the caller's address as it was a moment ago, or by asking.
func (c Cache) Address(ctx context.Context, ask func(context.Context) (netip.Prefix, error)) (netip.Prefix, error) {
	here := localAddress()
	kept := c.open("address", here)
	var known seenAddress
	if kept.Recall("address", here, &known) {
		if age := c.Now().Sub(known.At); age >= 0 && age < addressHolds {
			return known.Prefix, nil
		}
	}
	return c.AddressNow(ctx, ask)
}

// AddressNow is the caller's address by asking, for whoever has reason to think
// that it has changed.
func (c Cache) AddressNow(ctx context.Context, ask func(context.Context) (netip.Prefix, error)) (netip.Prefix, error) {
	here := localAddress()
	found, err := ask(ctx)
	if err != nil {
		return found, err
	}
	kept := c.open("address", here)
	kept.Learn("address", here, seenAddress{found, c.Now()})
	_ = kept.Save() // if it is not kept, it is asked again
	return found, nil
}

type seenAddress struct {
	Prefix netip.Prefix `json:"prefix"`
	At     time.Time    `json:"at"`
}

// localAddress is the address from which this machine would reach the internet;
// "" when it would not. Nothing is sent to find it out.
func localAddress() string {
	conn, err := net.Dial("udp", "192.0.2.1:9") // RFC 5737: nobody's
	if err != nil {
		return ""
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP.String()
}
