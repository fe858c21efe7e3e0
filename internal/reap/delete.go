package reap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// endTimeout bounds the wait for instances to be gone. Large ones take minutes.
const endTimeout = 5 * time.Minute

// Outcome is what became of an item.
type Outcome struct {
	Item
	InUse bool  // AWS says that something still uses it, so it stays
	Err   error // why it could not be deleted
}

// Gone tells that the item is no more.
func (o Outcome) Gone() bool { return !o.InUse && o.Err == nil }

// Delete deletes the items in dependency order: instances first, and the rest
// once those are gone. What has gone already counts as deleted.
func Delete(ctx context.Context, api API, items []Item) []Outcome {
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b Item) int { return int(a.Kind) - int(b.Kind) })
	outcomes := make([]Outcome, 0, len(items))
	ending := 0
	for _, item := range items {
		if item.Kind > Instance && ending > 0 {
			waitUntilGone(ctx, api, outcomes)
			ending = 0
		}
		if item.Kind == Instance {
			ending++
		}
		outcomes = append(outcomes, settle(item, deleteOne(ctx, api, item)))
	}
	if ending > 0 {
		waitUntilGone(ctx, api, outcomes)
	}
	return outcomes
}

func settle(item Item, err error) Outcome {
	switch {
	case err == nil || awserr.IsNotFound(err):
		return Outcome{Item: item}
	case awserr.IsInUse(err) || errors.Is(err, errInUse):
		return Outcome{Item: item, InUse: true}
	default:
		return Outcome{Item: item, Err: err}
	}
}

func deleteOne(ctx context.Context, api API, item Item) error {
	var err error
	switch item.Kind {
	case SpotRequest:
		_, err = api.CancelSpotInstanceRequests(ctx, &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{item.ID}})
	case Instance:
		_, err = api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{item.ID}})
	case Interface:
		_, err = api.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: aws.String(item.ID)})
	case Volume:
		_, err = api.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(item.ID)})
	case SecurityGroup:
		_, err = api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(item.ID)})
	case Schedule, Cargo, Bucket, ScheduleGroup, InstanceProfile, Role:
		err = errors.New("it is no resource of EC2")
	case Subnet:
		_, err = api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: aws.String(item.ID)})
	case Gateway:
		err = deleteGateway(ctx, api, item.ID)
	case VPC:
		_, err = api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: aws.String(item.ID)})
	case KeyPair:
		_, err = api.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyPairId: aws.String(item.ID)})
	}
	if err != nil {
		return fmt.Errorf("delete the %s %s: %w", item.Kind, item.ID, err)
	}
	return nil
}

// waitUntilGone waits for every instance that was told to end, and marks those
// that do not.
func waitUntilGone(ctx context.Context, api API, outcomes []Outcome) {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	for i, o := range outcomes {
		if o.Kind != Instance || !o.Gone() {
			continue
		}
		_, err := instance.Wait(ctx, api, o.ID, instance.In(lifecycle.StateTerminated))
		outcomes[i] = settle(o.Item, err)
	}
}

// Sweep is the result of deleting and listing again.
type Sweep struct {
	Outcomes []Outcome
	Left     []Item // what a new listing still shows
}

// Clean deletes the items and lists again to prove it.
func Clean(ctx context.Context, api API, items []Item, scope Scope) (Sweep, error) {
	s := Sweep{Outcomes: Delete(ctx, api, items)}
	left, err := Find(ctx, api, scope)
	s.Left = left
	for _, o := range s.Outcomes {
		err = errors.Join(err, o.Err)
	}
	return s, err
}

// Gone are the items that were deleted.
func (s Sweep) Gone() (gone []Item) {
	for _, o := range s.Outcomes {
		if o.Gone() {
			gone = append(gone, o.Item)
		}
	}
	return gone
}
