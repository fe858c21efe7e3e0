//go:build unix

package e2e_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// occupy starts an instance in a capacity reservation, which nobody of the
// script launched: occupy $RESERVATION m7i.large us-east-1d.
func occupy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: occupy reservation type zone")
	}
	_, err := localEC2(ts, args[2][:len(args[2])-1]).RunInstances(context.Background(), &ec2.RunInstancesInput{
		ImageId:  aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceType(args[1]),
		Placement: &types.Placement{AvailabilityZone: aws.String(args[2])},
		CapacityReservationSpecification: &types.CapacityReservationSpecification{
			CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: aws.String(args[0])},
		},
	})
	ts.Check(err)
}
