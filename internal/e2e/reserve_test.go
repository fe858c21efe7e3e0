//go:build unix

package e2e_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/awsx"
)

// localEC2 is EC2 in a region of the script's local cloud, as its owner: a
// client that is not the programs under test.
func localEC2(ts *testscript.TestScript, region string) *ec2.Client {
	return localTarget(ts, region).EC2()
}

func localTarget(ts *testscript.TestScript, region string) *awsx.Target {
	target, err := cloudOf(ts.Getenv("HOME"), region)
	ts.Check(err)
	return target
}

// cloudOf reaches the local cloud of a home, as its administrator.
func cloudOf(home, region string) (*awsx.Target, error) {
	text, err := os.ReadFile(filepath.Join(home, ".local/state/spawn/local/cloud.json"))
	if err != nil {
		return nil, err
	}
	var at contact
	if err := json.Unmarshal(text, &at); err != nil {
		return nil, err
	}
	return awsx.Connect(context.Background(), awsx.Options{
		Region: region, Local: &awsx.Local{Endpoint: at.Endpoint, AccessKeyID: at.AccessKeyID, SecretAccessKey: at.SecretAccessKey},
	})
}

// reserve makes a capacity reservation in the script's local cloud, for one
// instance with Linux that names it, and puts its id into a variable of the script:
//
//	reserve ID m5.large us-east-1a
func reserve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: reserve <variable> <type> <zone>")
	}
	zone := args[2]
	out, err := localEC2(ts, zone[:len(zone)-1]).CreateCapacityReservation(context.Background(), &ec2.CreateCapacityReservationInput{
		InstanceType: aws.String(args[1]), AvailabilityZone: aws.String(zone), InstanceCount: aws.Int32(1),
		InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix, InstanceMatchCriteria: types.InstanceMatchCriteriaTargeted,
	})
	ts.Check(err)
	ts.Setenv(args[0], aws.ToString(out.CapacityReservation.CapacityReservationId))
}
