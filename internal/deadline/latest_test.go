package deadline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// block is EC2 with one Capacity Block, or an error.
type block struct {
	end *time.Time
	err error
}

func (b block) DescribeCapacityReservations(context.Context, *ec2.DescribeCapacityReservationsInput, ...func(*ec2.Options)) (*ec2.DescribeCapacityReservationsOutput, error) {
	return &ec2.DescribeCapacityReservationsOutput{CapacityReservations: []types.CapacityReservation{{EndDate: b.end}}}, b.err
}

func TestACapacityBlockBoundsTheDeadline(t *testing.T) {
	end := time.Date(2026, 12, 1, 11, 30, 0, 0, time.UTC)
	inBlock := instance.Instance{ID: "i-1", Market: lifecycle.CapacityBlock, Reservation: "cr-1"}
	if got, err := deadline.Latest(t.Context(), block{end: &end}, inBlock); err != nil || !got.Time().Equal(end.Add(-35*time.Minute)) {
		t.Errorf("%v, %v", got, err)
	}
	// Unknown is not unbounded.
	for name, api := range map[string]block{"refused": {err: errors.New("no")}, "without an end": {}} {
		if got, err := deadline.Latest(t.Context(), api, inBlock); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got, err := deadline.Latest(t.Context(), block{err: errors.New("not to be asked")}, instance.Instance{Market: lifecycle.OnDemand}); err != nil || !got.IsZero() {
		t.Errorf("%v, %v", got, err)
	}
}
