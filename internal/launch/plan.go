package launch

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/bootstrap"
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// Plan is a launch that was resolved: everything that can be known without
// changing the account.
type Plan struct {
	Launch     string // the launch's id, and the stem of its client tokens
	Name       string
	Region     string
	Candidates []Candidate // at least one; each next one is for a lack of capacity
	Lifetime   lifecycle.Lifetime
	NotAfter   lifecycle.Deadline // the latest deadline possible; zero: the lifetime alone decides
	Source     netip.Prefix       // invalid: ask for the caller's address
	Key        *sshx.Key          // nil: without a key of this machine
	Chosen     Chosen             // what is used of the user's own network and keys
	Notes      []string           // what the user should know before it begins

	Wait         bool // until the instances run and their agents are ready
	Count        int  // at least one
	AllOrNothing bool // of several, rather none than fewer

	Idle     lifecycle.IdlePolicy
	PreStop  string // a shell command to run on the instance before any end
	UserData []byte // the user's own

	Profile      string            // the user's own instance profile; "": the agent's
	ShareRole    bool              // leave the role to every user of the instance
	Tags         map[string]string // the user's own
	MetadataTags bool              // show the tags to the instance; else the agent asks EC2 for them

	maxPrice string // as the user said; "": no limit
}

// First is the candidate that is preferred.
func (p Plan) First() Candidate { return p.Candidates[0] }

// Machine is what resolving needs to know of the user's machine and settings.
type Machine struct {
	Region    string // where to launch when nobody says
	Home      string // the home folder, where keys are
	Ceiling   time.Duration
	KeyNeeded bool // whether an instance without an SSH key could not be reached

	AgentKeys func() ([]sshx.Key, error) // what ssh-agent holds; nil: there is none to ask
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
	if p.Key == nil && s.CreateKey && s.Chosen.KeyPair == "" {
		key, err := sshx.ProvideKey(m.Home)
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
		Region: firstOf(s.WantedRegion(), m.Region),
		Source: s.Source,

		Wait: !s.NoWait, Count: max(s.Count, 1), AllOrNothing: s.AllOrNothing,
		PreStop: s.PreStop, UserData: s.UserData,
		Profile: s.Profile, ShareRole: s.ShareRole, Tags: s.Tags,
	}
	p.showTags(s)
	if p.Name == "" {
		p.Name = "spawn-" + p.Launch[:6]
	}
	var err error
	if err = p.idles(s); err != nil {
		return Plan{}, err
	}
	s.Hibernate = s.Hibernate || p.Idle.Does() == lifecycle.Hibernate
	if p.Lifetime, err = lifecycle.ChooseLifetime(s.TTL, p.Idle.Timeout, m.Ceiling); err != nil {
		return Plan{}, &problem.Error{Kind: problem.Usage, Err: err}
	}
	p.noteIdle()
	if err := bootstrap.Check(s.UserData); err != nil {
		return Plan{}, &problem.Error{Kind: problem.Usage, Err: err, Next: "give a script that begins with #! and a program, or a document that cloud-init takes"}
	}
	if len(catalog.Zones(p.Region)) == 0 {
		return Plan{}, problem.New(problem.NotFound, "spawn knows no region %s", clip(p.Region)).
			WithNext("use one of: %s", strings.Join(catalog.Regions(), " "))
	}
	if err := p.choose(s); err != nil {
		return Plan{}, err
	}
	p.noteChosen(s, m)
	return p, p.chooseKey(s, m)
}

// note adds something that the user should know before it begins.
func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// WantedRegion is the region that the user, the zone asked for or the offer
// names; "" when nobody does.
func (s Spec) WantedRegion() string {
	return firstOf(s.Region, regionOf(s.Zone), s.Offer.Region)
}

// choose finds the candidates.
func (p *Plan) choose(s Spec) error {
	first, err := p.fit(s, s.Offer)
	if err != nil {
		return err
	}
	p.Candidates, p.maxPrice = []Candidate{first}, s.MaxPrice
	most, err := p.checkPrices(s)
	if err != nil {
		return err
	}
	p.addOthers(s, most)
	if !first.Image.unread() {
		p.Notes = append(p.Notes, first.imageNotes()...)
	}
	return nil
}

// chooseKey finds the user's key, unless a key pair was named. Without one, an
// instance that only SSH reaches would be of no use.
func (p *Plan) chooseKey(s Spec, m Machine) error {
	if s.Chosen.KeyPair != "" {
		return nil
	}
	key, err := sshx.FindKey(m.Home, m.AgentKeys)
	var none *sshx.NoKeyError
	switch {
	case err == nil:
		p.Key = &key
		for _, passed := range key.PassedOver {
			p.note("the SSH key %s is not used: %s", passed.Path, passed.Reason)
		}
	case !errors.As(err, &none):
		return err
	case m.KeyNeeded && !s.CreateKey:
		return &problem.Error{Kind: problem.Usage, Err: err, Next: "have one made with --create-key, or make it yourself with ssh-keygen"}
	}
	return nil
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
