package launch

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// ensureKey provides the key pair: the user's own by its name, as it is, or the
// machine's key under whatever name EC2 knows it.
func (r *running) ensureKey(ctx context.Context, have *prepared) (detail string, err error) {
	switch chosen := r.plan.Chosen; {
	case chosen.KeyPair != "" && chosen.identity != "":
		have.key = chosen.KeyPair
		return fmt.Sprintf("%s, as it is; its private key is %s", have.key, chosen.identity), nil
	case chosen.KeyPair != "":
		have.key = chosen.KeyPair
		return have.key + ", as it is", nil
	case r.plan.Key == nil:
		return "none: this machine has no SSH key", nil
	}
	have.key, _, err = recalled(r, StepKey, r.plan.Key.Hash(), func() (string, error) {
		return account.EnsureKey(ctx, r.EC2, *r.plan.Key, r.origin, r.record)
	})
	return fmt.Sprintf("%s, from %s", have.key, r.plan.Key.Where()), err
}

// ensureNetwork provides where the instance goes, and who may reach it there.
func (r *running) ensureNetwork(ctx context.Context, have *prepared) (detail string, err error) {
	chosen := r.plan.Chosen
	source, err := r.source(ctx)
	if chosen.Group != "" {
		have.network = account.Network{VPC: chosen.group.VPC, SecurityGroup: chosen.Group, Subnets: chosen.subnets()}
		switch {
		case err != nil:
			r.emit(Noted{fmt.Sprintf("whether the security group %s opens SSH to you is not known: %v", chosen.Group, err)})
		case chosen.unreachable(source) != "":
			r.emit(Noted{chosen.unreachable(source)})
		}
		return chosen.Group + ", as it is", nil
	}
	if err != nil {
		return "", err
	}
	name := chosen.place.VPC + " " + source.String()
	r.doubtNetwork(name)
	have.network, _, err = recalled(r, StepNetwork, name, func() (account.Network, error) {
		if chosen.Subnet != "" {
			return account.EnsureGroup(ctx, r.EC2, chosen.place.VPC, source, r.origin, r.record)
		}
		return account.EnsureNetwork(ctx, r.EC2, source, r.origin, r.record)
	})
	if err != nil {
		return "", err
	}
	if len(have.network.Subnets) == 0 {
		have.network.Subnets = chosen.subnets()
	}
	if source.Addr().Is6() {
		err = r.noteIPv6(ctx, source, have.network)
	}
	return r.describeNetwork(have.network, source), err
}

// source is who may reach SSH: the network that was asked for, or the caller.
func (r *running) source(ctx context.Context) (netip.Prefix, error) {
	if r.plan.Source.IsValid() {
		return r.plan.Source, nil
	}
	return r.Address(ctx)
}

func (r *running) describeNetwork(n account.Network, source netip.Prefix) string {
	open := fmt.Sprintf("SSH open to %s only (%s)", source, n.SecurityGroup)
	if source.Bits() == 0 {
		open = fmt.Sprintf("SSH open to everybody (%s)", n.SecurityGroup)
	}
	if r.plan.Chosen.Subnet == "" && n.VPC != "" {
		return fmt.Sprintf("%s in %s, as there is no default VPC", open, n.VPC)
	}
	return open
}

// noteIPv6 says that a caller with an IPv6 address does not reach an instance
// that has none.
func (r *running) noteIPv6(ctx context.Context, source netip.Prefix, n account.Network) error {
	places := r.plan.Chosen.places
	if n.VPC == "" && len(places) == 0 {
		var err error
		if places, err = account.DefaultPlaces(ctx, r.EC2); err != nil {
			return err
		}
	}
	for _, place := range places {
		if place.IPv6 {
			return nil
		}
	}
	r.emit(Noted{fmt.Sprintf("%s is IPv6, and the subnets there give no IPv6 address: name an IPv4 address of yours with --ssh-cidr", source)})
	return nil
}

// subnets are the ids of the places, by zone.
func (c Chosen) subnets() map[string]string {
	if len(c.places) == 0 {
		return nil
	}
	ids := make(map[string]string, len(c.places))
	for zone, place := range c.places {
		ids[zone] = place.Subnet
	}
	return ids
}

// within are the candidates where the network has a subnet. Where the request
// must name one, no zone means each of them.
func (p *prepared) within(all []Candidate) (out []Candidate, err error) {
	if len(p.network.Subnets) == 0 {
		return all, nil
	}
	zones := slices.Sorted(maps.Keys(p.network.Subnets))
	for _, c := range all {
		if len(c.Zones) == 0 {
			c.Zones = zones
		}
		c.Zones = slices.DeleteFunc(slices.Clone(c.Zones), func(zone string) bool { return !slices.Contains(zones, zone) })
		if len(c.Zones) > 0 {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, problem.New(problem.Usage, "there is no subnet in %s to launch into: the network has some in %s", list(all[0].Zones), list(zones)).
			WithNext("choose one of these zones with --az, or name a subnet of yours with --subnet")
	}
	return out, nil
}

// place puts an instance into the network: into the zone's subnet, where one
// must be named, with the security group. Without a public address both are the
// interface's, beside which EC2 takes neither.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html
func (p *prepared) place(request *ec2.RunInstancesInput, zone string, noPublicIP bool) {
	var subnet *string
	if id := p.network.Subnets[zone]; id != "" {
		subnet = aws.String(id)
	}
	groups := []string{p.network.SecurityGroup}
	if !noPublicIP {
		request.SubnetId, request.SecurityGroupIds = subnet, groups
		return
	}
	request.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
		DeviceIndex:              aws.Int32(0),
		SubnetId:                 subnet,
		Groups:                   groups,
		AssociatePublicIpAddress: aws.Bool(false),
		DeleteOnTermination:      aws.Bool(true),
	}}
}

// undoable is what undoing calls a kind of furniture that goes with a launch
// that failed. Key, role and bucket stay for the next one.
func undoable(kind account.Kind) (reap.Kind, bool) {
	switch kind {
	case account.SecurityGroup:
		return reap.SecurityGroup, true
	case account.Subnet:
		return reap.Subnet, true
	case account.Gateway:
		return reap.Gateway, true
	case account.VPC:
		return reap.VPC, true
	default:
		return 0, false
	}
}

// list names things in a sentence.
func list(names []string) string { return strings.Join(names, ", ") }
