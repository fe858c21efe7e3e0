package launch

import (
	"context"
	"net/netip"
	"regexp"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// Chosen is what a launch uses of the user's own instead of making it: a subnet,
// a security group, a key pair; and that its instance stays private. Each may be
// left out.
type Chosen struct {
	Subnet     string // its id
	Group      string // the security group's id
	KeyPair    string // its name in EC2
	NoPublicIP bool   // the instance gets no public address

	identity string                   // the private key of KeyPair on this machine; "" for unknown
	place    account.Place            // Subnet, once it was looked at
	group    account.Group            // Group, once it was looked at
	places   map[string]account.Place // by zone, where an instance must be told its subnet; nil: EC2 chooses
}

var (
	subnetForm = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	groupForm  = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// checkChosen refuses what cannot be, or contradicts itself, without asking
// anyone.
func (s Spec) checkChosen() error {
	switch c := s.Chosen; {
	case c.Subnet != "" && !subnetForm.MatchString(c.Subnet):
		return problem.New(problem.Usage, "%q is not the id of a subnet", clip(c.Subnet)).WithNext("an id looks like subnet-0123456789abcdef0; see yours with: aws ec2 describe-subnets")
	case c.Group != "" && !groupForm.MatchString(c.Group):
		return problem.New(problem.Usage, "%q is not the id of a security group", clip(c.Group)).WithNext("an id looks like sg-0123456789abcdef0; see yours with: aws ec2 describe-security-groups")
	case c.Group != "" && s.Source.IsValid():
		return problem.New(problem.Usage, "--ssh-cidr is for the security group that spawn makes, and --security-group names one of yours").WithNext("leave one of them out; spawn does not change your group")
	case c.KeyPair != "" && s.CreateKey:
		return problem.New(problem.Usage, "--key-pair and --create-key contradict each other").WithNext("leave one of them out")
	}
	return nil
}

// noteChosen notes what follows from what was chosen, and from who may reach SSH,
// that the user should know before it begins.
func (p *Plan) noteChosen(s Spec, m Machine) {
	p.Chosen = s.Chosen
	if p.Chosen.KeyPair != "" {
		if p.Chosen.identity = sshx.FindIdentity(m.Home, s.Chosen.KeyPair); p.Chosen.identity == "" && m.KeyNeeded {
			p.note("the private key of %s is not known: spawn connect looks for ~/.ssh/%[1]s.pem and ~/.ssh/%[1]s, else ssh offers what it has", s.Chosen.KeyPair)
		}
	}
	if s.Source.IsValid() && s.Source.Bits() == 0 {
		p.note("SSH is open to everybody (%s), as you asked: anyone may try to log in", s.Source)
	}
	if s.Chosen.NoPublicIP {
		p.note("the instance gets no public address: %s", howPrivate)
	}
}

// howPrivate is how an instance without a public address is reached, and what it
// reaches itself.
const howPrivate = "it is reached from within its VPC, by VPN, or by an EC2 Instance Connect Endpoint; " +
	"to fetch its agent its subnet needs a NAT gateway or endpoints for S3 and EC2, else the operating system's timer alone ends it"

// ChoiceAPI is what looking at the user's own network and keys calls.
type ChoiceAPI interface {
	account.ChoiceAPI
	account.KeyAPI
}

// CheckChosen looks at what the user named and makes sure that it exists and
// fits together, before anything is made. What was not named costs no call.
func (p Plan) CheckChosen(ctx context.Context, api ChoiceAPI) (Plan, error) {
	looks, looksCtx := errgroup.WithContext(ctx)
	if p.Chosen.KeyPair != "" {
		looks.Go(func() error { return account.FindKeyPair(looksCtx, api, p.Chosen.KeyPair) })
	}
	if p.Chosen.Subnet != "" {
		looks.Go(func() (err error) {
			p.Chosen.place, err = account.FindSubnet(looksCtx, api, p.Chosen.Subnet)
			return err
		})
	}
	if p.Chosen.Group != "" {
		looks.Go(func() (err error) {
			p.Chosen.group, err = account.FindGroup(looksCtx, api, p.Chosen.Group)
			return err
		})
	}
	if err := looks.Wait(); err != nil {
		return p, err
	}
	if p.Chosen.Subnet != "" {
		return p, p.useSubnet()
	}
	return p, p.findPlaces(ctx, api)
}

// useSubnet confines the plan to the zone of the subnet.
func (p *Plan) useSubnet() error {
	place, group := p.Chosen.place, p.Chosen.group
	if group.ID != "" && group.VPC != place.VPC {
		return problem.New(problem.Usage, "the security group %s is in %s, and the subnet %s in %s", group.ID, group.VPC, place.Subnet, place.VPC).
			WithNext("name a security group and a subnet of one VPC")
	}
	if zones := p.First().Zones; len(zones) > 0 && !slices.Contains(zones, place.Zone) {
		return problem.New(problem.Usage, "the subnet %s is in %s, and the launch is for %s", place.Subnet, place.Zone, list(zones)).
			WithNext("leave out --az or --subnet, or name those that agree")
	}
	kept := p.Candidates[:0:0]
	for _, c := range p.Candidates {
		if len(c.Zones) == 0 || slices.Contains(c.Zones, place.Zone) {
			c.Zones = []string{place.Zone}
			kept = append(kept, c)
		}
	}
	if left := len(p.Candidates) - len(kept); left > 0 {
		p.note("of the other offers %d will not be tried: not in the subnet's zone", left)
	}
	p.Candidates = kept
	p.Chosen.places = map[string]account.Place{place.Zone: place}
	if !place.Public && !p.Chosen.NoPublicIP {
		p.note("the subnet gives no public address: %s", howPrivate)
	}
	return nil
}

// findPlaces finds the subnets where no one was named and the request must name
// one all the same: in spawn's own VPC, and for an interface without a public
// address.
func (p *Plan) findPlaces(ctx context.Context, api ChoiceAPI) (err error) {
	whose := account.DefaultVPC
	if p.Chosen.Group != "" {
		if whose, err = account.KindOfVPC(ctx, api, p.Chosen.group.VPC); err != nil {
			return err
		}
	}
	switch {
	case whose == account.OtherVPC:
		return problem.New(problem.Usage, "the security group %s is in %s, which is not the default VPC", p.Chosen.Group, p.Chosen.group.VPC).
			WithNext("name a subnet there with --subnet; see them with: aws ec2 describe-subnets --filters Name=vpc-id,Values=%s", p.Chosen.group.VPC)
	case whose == account.OwnVPC:
		p.Chosen.places, err = account.OwnPlaces(ctx, api, p.Chosen.group.VPC)
	case p.Chosen.NoPublicIP:
		p.Chosen.places, err = account.DefaultPlaces(ctx, api)
	}
	return err
}

// unreachable says, as a note, that the user's own group does not let source in;
// "" when it does, or is none.
func (c Chosen) unreachable(source netip.Prefix) string {
	if c.Group == "" || c.group.OpensSSH(source) {
		return ""
	}
	return "the security group " + c.Group + " does not open SSH to " + source.String() + ", as far as it names addresses"
}
