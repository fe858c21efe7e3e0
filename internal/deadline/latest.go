package deadline

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// ReservationReader is what reading the end of a Capacity Block calls.
type ReservationReader interface {
	DescribeCapacityReservations(context.Context, *ec2.DescribeCapacityReservationsInput, ...func(*ec2.Options)) (*ec2.DescribeCapacityReservationsOutput, error)
}

// Latest is the latest deadline that an instance may have: in a Capacity Block,
// a while before EC2 takes its instances away; the zero deadline elsewhere, where
// only the user's own ceiling holds. When the block's end cannot be read it is an
// error, because a deadline behind it would promise a life that nobody has.
func Latest(ctx context.Context, api ReservationReader, in instance.Instance) (lifecycle.Deadline, error) {
	if in.Market != lifecycle.CapacityBlock {
		return lifecycle.Deadline{}, nil
	}
	out, err := api.DescribeCapacityReservations(ctx, &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{in.Reservation}})
	if err != nil {
		return lifecycle.Deadline{}, fmt.Errorf("read when the Capacity Block %s of %s ends: %w", in.Reservation, in.Label(), err)
	}
	if len(out.CapacityReservations) != 1 || out.CapacityReservations[0].EndDate == nil {
		return lifecycle.Deadline{}, problem.New(problem.Failed, "EC2 does not say when the Capacity Block %s of %s ends", in.Reservation, in.Label())
	}
	return lifecycle.LastInBlock(aws.ToTime(out.CapacityReservations[0].EndDate)), nil
}
