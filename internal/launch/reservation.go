package launch

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Reservation is the capacity reservation that an instance is to run in.
type Reservation struct {
	ID    string
	Block bool      // a Capacity Block: paid for in advance, and over at its end
	End   time.Time // zero: until somebody cancels it, or not read
}

// ReservationReader is what reading a reservation calls.
type ReservationReader interface {
	DescribeCapacityReservations(context.Context, *ec2.DescribeCapacityReservationsInput, ...func(*ec2.Options)) (*ec2.DescribeCapacityReservationsOutput, error)
}

// reservation is the one to use for an offer, or nil.
func (s Spec) reservation(o offer.Offer) *Reservation {
	id := firstOf(s.Reservation, o.ReservationID)
	if id == "" {
		return nil
	}
	// What an offer says about its reservation does not hold for another one.
	block := id == o.ReservationID && o.ReservationType == string(types.CapacityReservationTypeCapacityBlock)
	return &Reservation{ID: id, Block: block}
}

// CheckReservation asks EC2 about the plan's capacity reservation and returns
// the plan as it then is: in the reservation's zone, and with a life that ends
// before a Capacity Block does. Without a reservation the plan stays as it is.
// now is the service's clock.
//
// A reservation that is elsewhere or of something else is an error of kind
// Usage, one that has no room now is NoCapacity. Without the permission to ask,
// a Capacity Block is refused, because its end must be known; another
// reservation is left to EC2's judgement.
func (p Plan) CheckReservation(ctx context.Context, api ReservationReader, now time.Time) (Plan, error) {
	if p.First().Reservation == nil {
		return p, nil
	}
	c := p.First()
	out, err := api.DescribeCapacityReservations(ctx, &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{c.Reservation.ID}})
	switch {
	case awserr.IsDenied(err) && c.Reservation.Block:
		return p, fmt.Errorf("read when the Capacity Block %s ends, before which its instances must end: %w", c.Reservation.ID, err)
	case awserr.IsDenied(err):
		p.Notes = append(p.Notes, fmt.Sprintf("whether %s has room is unknown: the permission ec2:DescribeCapacityReservations is missing", c.Reservation.ID))
		return p, nil
	case awserr.IsNotFound(err) || err == nil && len(out.CapacityReservations) != 1:
		return p, problem.New(problem.Usage, "there is no capacity reservation %s in %s", c.Reservation.ID, p.Region).
			WithNext("a reservation is of one region, which --region names; see yours: truffle capacity --region all")
	case err != nil:
		return p, fmt.Errorf("read the capacity reservation %s: %w", c.Reservation.ID, err)
	}
	r := out.CapacityReservations[0]
	if err := c.matches(r); err != nil {
		return p, err
	}
	if room := int(aws.ToInt32(r.AvailableInstanceCount)); room < p.Count {
		if p.AllOrNothing {
			return p, problem.New(problem.NoCapacity, "%s has room for %d of %d", c.Reservation.ID, room, p.Count).WithNext("launch fewer, or leave out --all-or-nothing")
		}
		p.note("%s has room for %d of %d", c.Reservation.ID, room, p.Count)
	}
	if c.enter(r); c.Reservation.Block {
		if err := p.endBefore(c.Reservation.End, now); err != nil {
			return p, err
		}
	}
	p.Candidates = []Candidate{c}
	return p, nil
}

// matches refuses a reservation that is of something else, or has no room.
func (c Candidate) matches(r types.CapacityReservation) error {
	id, zone := c.Reservation.ID, aws.ToString(r.AvailabilityZone)
	unlike := func(what string, args ...any) error {
		return problem.New(problem.Usage, "%s "+what, append([]any{id}, args...)...).WithNext("see your reservations: truffle capacity")
	}
	switch {
	case aws.ToString(r.InstanceType) != c.Type.Name:
		return unlike("reserves %s, not %s", aws.ToString(r.InstanceType), c.Type.Name)
	case len(c.Zones) > 0 && c.Zones[0] != zone:
		return unlike("is in %s, not in %s", zone, c.Zones[0])
	case r.InstancePlatform != types.CapacityReservationInstancePlatformLinuxUnix:
		return unlike("is for %s, and spawn launches Linux", r.InstancePlatform)
	case r.State != types.CapacityReservationStateActive:
		e := problem.New(problem.NoCapacity, "%s is %s, not active", id, r.State)
		if r.State == types.CapacityReservationStateScheduled && r.StartDate != nil {
			return e.WithNext("it begins at %s", r.StartDate.Format(time.RFC3339))
		}
		return e.WithNext("see what is free: truffle capacity --available-only")
	case aws.ToInt32(r.AvailableInstanceCount) < 1:
		return problem.New(problem.NoCapacity, "all %d instances of %s are in use", aws.ToInt32(r.TotalInstanceCount), id).
			WithNext("see what is free: truffle capacity --available-only")
	}
	return nil
}

// enter takes over what the reservation decides.
func (c *Candidate) enter(r types.CapacityReservation) {
	read := *c.Reservation
	read.Block = r.ReservationType == types.CapacityReservationTypeCapacityBlock
	read.End = aws.ToTime(r.EndDate)
	c.Reservation = &read
	c.Zones = []string{aws.ToString(r.AvailabilityZone)}
	if read.Block {
		c.Market, c.Price = lifecycle.CapacityBlock, price.Price{}
	}
}

// endBefore makes the instance end before the Capacity Block takes it away.
func (p *Plan) endBefore(end, now time.Time) error {
	if end.IsZero() {
		return problem.New(problem.Failed, "when the Capacity Block ends is unknown, and its instances must end before")
	}
	last := lifecycle.LastInBlock(end)
	left := last.Left(now).Truncate(time.Second)
	if left <= 0 {
		return problem.New(problem.NoCapacity, "the Capacity Block ends at %s, and EC2 takes its instances away %d minutes before",
			end.Format(time.RFC3339), int(lifecycle.BlockEviction.Minutes())).WithNext("see what is free: truffle capacity --available-only")
	}
	p.NotAfter = last
	if left >= p.Lifetime.TTL {
		return nil
	}
	p.Lifetime = lifecycle.Lifetime{TTL: left, Reason: lifecycle.BlockEnds}
	p.Notes = append(p.Notes, fmt.Sprintf("the Capacity Block ends at %s; EC2 begins to end its instances %d minutes before, and this one ends by itself %d minutes before that",
		end.Format(time.RFC3339), int(lifecycle.BlockEviction.Minutes()), int(lifecycle.BlockMargin.Minutes())))
	return nil
}
