// Package launch turns what a user wants into a running instance.
//
// There is one way: a Spec (what is wanted) is resolved into a Plan (what will
// be done, checked and priced), and a Launcher carries the plan out in attempts
// and undoes what it made when it fails. Flags, pipes and the wizard all
// build the same Spec. Progress leaves as typed events; nothing here writes
// to a terminal.
package launch

import (
	"net/netip"
	"regexp"
	"unicode/utf8"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Spec is what a user wants. What is empty is decided by the rules.
type Spec struct {
	Offer     offer.Offer   // the type, and perhaps region, zones, market and reservation
	Others    []offer.Offer // what may do instead when there is no capacity, in order of preference
	Region    string        // wins over the offer's
	Zone      string        // wins over the offer's
	Name      string        // the instance's name; empty is made up
	TTL       string        // as ChooseLifetime reads it
	Source    netip.Prefix  // who may reach SSH; invalid: the caller's own address
	CreateKey bool          // make an SSH key when there is none

	Market       lifecycle.Market // on-demand or Spot, whatever the offer says; empty: as it says
	SpotMaxPrice string           // USD per hour to pay at most for Spot; empty: the on-demand price
	MaxPrice     string           // USD per hour that whatever is launched may cost; empty: what the first one costs

	Chosen Chosen // what is used of the user's own network and keys

	Reservation    string // the id of a capacity reservation, whatever the offer says
	UseReservation bool   // refuse an offer without a reservation

	Count        int  // how many instances; 0 is one
	AllOrNothing bool // of several, rather none than fewer
	NoWait       bool // be content with EC2's promise

	Idle     IdleWish
	PreStop  string // a shell command to run on the instance before any end
	UserData []byte // the user's own, of any type that cloud-init takes

	Profile        string            // the user's own instance profile, by name or ARN; "": the agent's
	ShareRole      bool              // leave the role to every user of the instance, not to root alone
	Tags           map[string]string // the user's own
	NoMetadataTags bool              // keep the tags out of the metadata service

	AMI        string // an alias or the id of an image; empty: what suits the type
	VolumeSize string // of the root, in GiB; empty: the image's, or what hibernation needs
	VolumeType string // of the root; empty: gp3
	Hibernate  bool   // make it able to hibernate
}

// maxCount bounds one launch. It is ours: whoever means more says so in two.
const maxCount = 100

// nameForm is what a name may look like. It becomes a tag, an ssh alias and an
// argument of commands, so it has no spaces and does not begin with a dash or
// look like an id.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

var idForm = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

var reservationForm = regexp.MustCompile(`^cr-[0-9a-f]+$`)

// check refuses what can be refused without asking anyone.
func (s Spec) check() error {
	switch {
	case s.Offer.InstanceType == "":
		return problem.New(problem.Usage, "which instance type?").
			WithNext("name one with --instance-type m7i.large, or pipe an offer: truffle search m7i.large | spawn")
	case s.Name != "" && (len(s.Name) > 63 || !nameForm.MatchString(s.Name) || idForm.MatchString(s.Name)):
		return problem.New(problem.Usage, "%q cannot be a name", clip(s.Name)).
			WithNext("use up to 63 letters, digits, dots, dashes and underscores")
	case s.Region != "" && s.Offer.Region != "" && s.Region != s.Offer.Region && (len(s.Offer.Zones()) > 0 || s.Offer.ReservationID != ""):
		return problem.New(problem.Usage, "the offer is for %s, and --region says %s", s.Offer.Region, s.Region).
			WithNext("search in that region: truffle search %s --region %s", s.Offer.InstanceType, s.Region)
	case s.Count < 0 || s.Count > maxCount:
		return problem.New(problem.Usage, "--count is a number from 1 to %d, not %d", maxCount, s.Count)
	case s.AllOrNothing && s.Count < 2:
		return problem.New(problem.Usage, "--all-or-nothing is for more instances than one").WithNext("say how many: --count 4")
	case s.Profile != "" && !profileForm.MatchString(s.Profile):
		return problem.New(problem.Usage, "%q is neither the name nor the ARN of an instance profile", clip(s.Profile))
	case len(s.PreStop) > maxPreStop:
		return problem.New(problem.Usage, "--pre-stop has %d characters, and there is room for %d", len(s.PreStop), maxPreStop).
			WithNext("put the commands into a script on the instance, and run that")
	}
	if err := checkTags(s.Tags); err != nil {
		return err
	}
	if err := s.checkImage(); err != nil {
		return err
	}
	if err := s.checkChosen(); err != nil {
		return err
	}
	return s.checkReservation()
}

// maxPreStop bounds the command that goes with the policy file, whose user-data
// has room for little.
const maxPreStop = 2048

// profileForm is what IAM allows in a profile's name, or its ARN.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html
var profileForm = regexp.MustCompile(`^(arn:[a-z-]+:iam::\d{12}:instance-profile/)?[\w+=,.@/-]{1,640}$`)

// checkReservation refuses what contradicts itself about reserved capacity.
func (s Spec) checkReservation() error {
	switch {
	case s.Reservation != "" && !reservationForm.MatchString(s.Reservation):
		return problem.New(problem.Usage, "%q is not the id of a capacity reservation", clip(s.Reservation)).
			WithNext("an id looks like cr-0123456789abcdef0; see yours: truffle capacity")
	case s.UseReservation && s.Reservation == "" && s.Offer.ReservationID == "":
		return problem.New(problem.Usage, "the offer has no capacity reservation to use").
			WithNext("pipe one that has: truffle capacity --available-only | spawn launch --use-reservation, or name it with --reservation-id")
	case s.Market == lifecycle.Spot && (s.Reservation != "" || s.Offer.ReservationID != ""):
		return problem.New(problem.Usage, "a Spot instance cannot run in a capacity reservation").
			WithNext("leave out --spot, or offer a type without a reservation: truffle spot %s", s.Offer.InstanceType)
	}
	return nil
}

// clip shortens what is quoted back to a person.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:40]) + "…"
}
