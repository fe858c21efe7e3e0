package reap

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
)

// belongings are the instances of a region and what comes and goes with them.
type belongings struct {
	instances []instance.Instance
	volumes   []types.Volume
	requests  []types.SpotInstanceRequest
	unseen    error // why the requests could not be listed
}

// listBelongings lists instances after their requests: a request that is seen
// has its instance seen too.
func listBelongings(ctx context.Context, api API) (b belongings, err error) {
	all, allCtx := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		b.requests, err = listRequests(allCtx, api)
		if awserr.IsDenied(err) {
			b.unseen, err = err, nil
		}
		if err == nil {
			b.instances, err = instance.List(allCtx, api)
		}
		return err
	})
	all.Go(func() (err error) {
		b.volumes, err = listVolumes(allCtx, api)
		return err
	})
	return b, all.Wait()
}

func listVolumes(ctx context.Context, api API) (out []types.Volume, err error) {
	pages := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{Filters: []types.Filter{instance.Managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the volumes: %w", err)
		}
		out = append(out, page.Volumes...)
	}
	return out, nil
}

func listRequests(ctx context.Context, api API) (out []types.SpotInstanceRequest, err error) {
	pages := ec2.NewDescribeSpotInstanceRequestsPaginator(api, &ec2.DescribeSpotInstanceRequestsInput{Filters: []types.Filter{instance.Managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the Spot requests: %w", err)
		}
		out = append(out, page.SpotInstanceRequests...)
	}
	return out, nil
}

// disks are the volumes of an instance, to be counted.
func (b belongings) disks(instance string) (out []price.Volume) {
	for _, v := range b.volumes {
		for _, a := range v.Attachments {
			if aws.ToString(a.InstanceId) == instance {
				out = append(out, priced(v))
			}
		}
	}
	return out
}

func priced(v types.Volume) price.Volume {
	return price.Volume{Type: string(v.VolumeType), SizeGiB: int(aws.ToInt32(v.Size))}
}

// instances sorts the instances: past their deadline, which is left; and costing
// money without doing anything, or without an end that anybody knows, which is
// told. Another owner's instance is never left: it has layers of its own.
func (f *Found) instances(b belongings, scope Scope) {
	for _, in := range b.instances {
		if in.State.Ended() {
			continue
		}
		f.Living++
		item := Item{Kind: Instance, ID: in.ID, Name: in.Name, Owner: in.Tags.Owner, Monthly: scope.ofInstance(in, b.disks(in.ID)), launch: in.Tags.Launch}
		mine := in.Tags.Owner == scope.Owner
		switch {
		case !mine && !scope.AllOwners || in.Kept:
		case scope.Living:
			f.leave(in.ID, item, string(in.State), scope)
		case mine && !in.Tags.Deadline.IsZero() && in.Tags.Deadline.Passed(scope.Now):
			f.leave(in.ID, item, "past its deadline", scope)
		case in.Tags.Deadline.IsZero():
			item.Why = "its deadline cannot be read from its tag"
			f.Costing = append(f.Costing, item)
		case in.State == lifecycle.StateStopped || in.State == lifecycle.StateStopping:
			item.Why = fmt.Sprintf("%s; its disk is paid for until its deadline, %s", in.State, in.Tags.Deadline)
			f.Costing = append(f.Costing, item)
		}
	}
}

// leave has an instance be left, and with it what only it uses.
func (f *Found) leave(id string, item Item, why string, scope Scope) {
	item.Why = why
	scope.ending[id] = true
	f.Living--
	f.Left = append(f.Left, item)
}

// looseRequests are the persistent Spot requests that would start an instance
// although theirs has ended or is about to. One whose launch may be in progress
// and whose instance is not shown yet is not among them.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html
func looseRequests(b belongings, scope Scope) (out []Item) {
	lives, ended := map[string]bool{}, map[string]bool{}
	for _, in := range b.instances {
		if scope.ending[in.ID] && in.Persistent != "" && b.unseen != nil { // the instance's own tag tells what may not be listed
			out = append(out, Item{Kind: SpotRequest, ID: in.Persistent, Name: in.Name, Why: "it would start an instance in place of one that ended", Owner: in.Tags.Owner, Monthly: free, launch: in.Tags.Launch})
		}
		if in.State.Ended() || scope.ending[in.ID] {
			ended[in.SpotRequest] = true
		} else {
			lives[in.SpotRequest] = true
		}
	}
	for _, r := range b.requests {
		id, tags := aws.ToString(r.SpotInstanceRequestId), account.TagMap(r.Tags)
		waiting := r.State == types.SpotInstanceStateOpen || r.State == types.SpotInstanceStateActive || r.State == types.SpotInstanceStateDisabled
		if r.Type != types.SpotInstanceTypePersistent || !waiting || lives[id] || !scope.covers(tags) {
			continue
		}
		if ended[id] || scope.settled(id, tags) {
			out = append(out, scope.item(SpotRequest, id, "it would start an instance in place of one that ended", tags))
		}
	}
	return out
}

func looseVolumes(b belongings, scope Scope) (out []Item) {
	for _, v := range b.volumes {
		tags := account.TagMap(v.Tags)
		if v.State != types.VolumeStateAvailable || !scope.covers(tags) {
			continue
		}
		item := scope.item(Volume, aws.ToString(v.VolumeId), "no instance uses it", tags)
		item.Monthly = scope.ofVolume(priced(v))
		out = append(out, item)
	}
	return out
}

// looseInterfaces are the network interfaces that are attached to nothing.
func looseInterfaces(ctx context.Context, api API, scope Scope) (out []Item, err error) {
	pages := ec2.NewDescribeNetworkInterfacesPaginator(api, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{
		instance.Managed(), {Name: aws.String("status"), Values: []string{string(types.NetworkInterfaceStatusAvailable)}},
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the network interfaces: %w", err)
		}
		for _, n := range page.NetworkInterfaces {
			if tags := account.TagMap(n.TagSet); scope.covers(tags) {
				item := scope.item(Interface, aws.ToString(n.NetworkInterfaceId), "no instance has it", tags)
				item.Monthly, item.vpc = ofInterface(n.Association != nil), aws.ToString(n.VpcId)
				out = append(out, item)
			}
		}
	}
	return out, nil
}
