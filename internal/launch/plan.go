package launch

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/agentbin"
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// Plan is a launch that was resolved: everything that can be known without
// changing the account.
type Plan struct {
	Launch       string // the launch's id, and the stem of its client tokens
	Name         string
	Type         catalog.Type
	Architecture string
	Region       string
	Zone         string // "" leaves it to EC2
	Image        Image
	Lifetime     lifecycle.Lifetime
	Source       netip.Prefix // invalid: ask for the caller's address
	Key          *sshx.Key    // nil: without a key
	Agent        agentbin.Build
	Price        price.Price // on demand, per hour
}

// Machine is what resolving needs to know of the user's machine and settings.
type Machine struct {
	Region    string // where to launch when nobody says
	Home      string // the home folder, where keys are
	Ceiling   time.Duration
	KeyNeeded bool // whether an instance without an SSH key could not be reached
}

// Check says what is wrong with a spec. It calls no API and creates nothing, so
// it can come before credentials are looked for.
func Check(s Spec, m Machine) error {
	_, err := draft(s, m)
	return err
}

// Resolve makes a plan of a spec, or says why there is none. It calls no API
// and creates nothing but, when asked for, an SSH key.
func Resolve(s Spec, m Machine) (Plan, error) {
	p, err := draft(s, m)
	if err != nil {
		return Plan{}, err
	}
	if p.Key == nil && s.CreateKey {
		key, err := sshx.CreateKey(m.Home)
		if err != nil {
			return Plan{}, err
		}
		p.Key = &key
	}
	return p, nil
}

func draft(s Spec, m Machine) (Plan, error) {
	if err := s.check(); err != nil {
		return Plan{}, err
	}
	p := Plan{
		Launch: newID(),
		Name:   s.Name,
		Region: firstOf(s.Region, s.Offer.Region, m.Region),
		Zone:   s.Offer.AvailabilityZone,
		Source: s.Source,
	}
	if p.Name == "" {
		p.Name = "spawn-" + p.Launch[:6]
	}
	var err error
	if p.Lifetime, err = lifecycle.ChooseLifetime(s.TTL, 0, m.Ceiling); err != nil {
		return Plan{}, &problem.Error{Kind: problem.Usage, Err: err}
	}
	if err := p.place(); err != nil {
		return Plan{}, err
	}
	if err := p.fitType(s.Offer.InstanceType); err != nil {
		return Plan{}, err
	}
	if p.Agent, err = agentbin.For(p.Architecture); err != nil {
		return Plan{}, err
	}
	p.Key, err = findKey(m, s.CreateKey)
	return p, err
}

// place refuses a region that is not known, and a zone of another region. Which
// zones an account has only EC2 knows: their letters differ.
func (p *Plan) place() error {
	if len(catalog.Zones(p.Region)) == 0 {
		return problem.New(problem.NotFound, "spawn knows no region %s", clip(p.Region)).
			WithNext("use one of: %s", strings.Join(catalog.Regions(), " "))
	}
	if p.Zone != "" && !strings.HasPrefix(p.Zone, p.Region) {
		return problem.New(problem.Usage, "the zone %s is not in %s", clip(p.Zone), p.Region)
	}
	return nil
}

// fitType finds the type's facts and what follows from them.
func (p *Plan) fitType(name string) error {
	t, known := catalog.Lookup(name)
	if !known {
		return problem.New(problem.NotFound, "there is no instance type %s", clip(name)).
			WithNext("did you mean %s?", strings.Join(catalog.Nearest(name, 3), ", "))
	}
	p.Type, p.Architecture = t, t.Architectures.Preferred()
	p.Price = price.OnDemand(p.Region, t.Name)
	if t.Architectures&(catalog.X86|catalog.Arm) == 0 {
		return problem.New(problem.Usage, "spawn has no image for %s: it needs x86_64 or arm64", t.Name)
	}
	p.Image = chooseImage(t, p.Architecture)
	return nil
}

// findKey finds the user's key. Without one, an instance that only SSH reaches
// would be of no use.
func findKey(m Machine, create bool) (*sshx.Key, error) {
	key, err := sshx.FindPublicKey(m.Home)
	var none *sshx.NoKeyError
	switch {
	case err == nil:
		return &key, nil
	case !errors.As(err, &none):
		return nil, err
	case m.KeyNeeded && !create:
		return nil, &problem.Error{Kind: problem.Usage, Err: err, Next: "have one made with --create-key, or make it yourself with ssh-keygen"}
	}
	return nil, nil
}

func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
