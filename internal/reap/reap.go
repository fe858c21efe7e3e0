// Package reap finds what instances and launches have left behind and deletes
// it, in dependency order, and proves it by listing again.
//
// It touches only what bears spawn:managed=true and not spawn:keep=true; what
// cannot bear tags it knows by names that are spawn's alone. AWS is the arbiter
// of what is in use: a delete that it refuses for that reason is no failure, and
// nothing is forced.
package reap

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// API is all that reap may do to an account's EC2.
type API interface {
	instance.Actor
	DescribeVolumes(context.Context, *ec2.DescribeVolumesInput, ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error)
	DescribeSpotInstanceRequests(context.Context, *ec2.DescribeSpotInstanceRequestsInput, ...func(*ec2.Options)) (*ec2.DescribeSpotInstanceRequestsOutput, error)
	DescribeNetworkInterfaces(context.Context, *ec2.DescribeNetworkInterfacesInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error)
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
	DeleteNetworkInterface(context.Context, *ec2.DeleteNetworkInterfaceInput, ...func(*ec2.Options)) (*ec2.DeleteNetworkInterfaceOutput, error)
	DeleteVolume(context.Context, *ec2.DeleteVolumeInput, ...func(*ec2.Options)) (*ec2.DeleteVolumeOutput, error)
	DeleteSecurityGroup(context.Context, *ec2.DeleteSecurityGroupInput, ...func(*ec2.Options)) (*ec2.DeleteSecurityGroupOutput, error)
	DescribeKeyPairs(context.Context, *ec2.DescribeKeyPairsInput, ...func(*ec2.Options)) (*ec2.DescribeKeyPairsOutput, error)
	DeleteKeyPair(context.Context, *ec2.DeleteKeyPairInput, ...func(*ec2.Options)) (*ec2.DeleteKeyPairOutput, error)
	NetworkAPI
}

// youngest is the age below which furniture is left alone: a launch on another
// machine may be about to use it.
const youngest = 15 * time.Minute

// Scope says what may be reaped.
type Scope struct {
	Owner     string            // only this principal's
	AllOwners bool              // everybody's, but for instances that live
	Living    bool              // instances that live, too: with AllOwners everybody's
	Region    string            // in which it is, for its prices
	Now       time.Time         // by the service's clock
	Mine      func(string) bool // whether this machine's finished launches made the id; such furniture may be young

	ending map[string]bool // instances that were found to be left: what only they use is left too
	gone   map[string]bool // what was just deleted: its schedules go at once
}

func (s Scope) covers(tags map[string]string) bool {
	return lifecycle.Managed(tags) && !lifecycle.Kept(tags) && (s.AllOwners || tags[lifecycle.TagOwner] == s.Owner)
}

// settled tells that furniture is old enough, or this machine's own: younger
// one may be somebody's launch in progress.
func (s Scope) settled(id string, tags map[string]string) bool {
	return s.Now.Sub(lifecycle.ReadOrigin(tags).Created) >= youngest || s.Mine(id)
}

// item is an item with what its tags say.
func (s Scope) item(kind Kind, id, why string, tags map[string]string) Item {
	return Item{Kind: kind, ID: id, Name: tags[lifecycle.TagName], Why: why, Owner: tags[lifecycle.TagOwner], Monthly: free, launch: tags[lifecycle.TagLaunch]}
}

// Found is what a look at a region has found.
type Found struct {
	Left    []Item              // to be deleted, in that order
	Costing []Item              // instances that are not past their deadline, do nothing, and cost money: they stay
	Missing []instance.Instance // the caller's that live without the cloud's layer of their deadline
	Keys    []Item              // imported SSH keys, which stay because they are their owner's
	Living  int                 // instances of spawn's that have not ended and are not left, anybody's
	Unseen  []Unseen            // what may not be listed
}

// Unseen is something that the caller may not list.
type Unseen struct {
	What string // in the plural
	Err  error
}

// Find lists what is left in the region: instances past their deadline,
// belongings without a living parent, security groups that nothing uses, and
// networks of ours that nothing is in.
func Find(ctx context.Context, api API, scope Scope) ([]Item, error) {
	found, err := look(ctx, api, scope)
	return found.Left, err
}

// look is Find with all that it sees. Nobody's rights suffice for less than
// instances and groups; what else may not be listed is told.
func look(ctx context.Context, api API, scope Scope) (Found, error) {
	var f Found
	b, err := listBelongings(ctx, api)
	if err != nil {
		return f, err
	}
	scope.ending = make(map[string]bool)
	f.unseen("Spot requests", b.unseen)
	f.instances(b, scope)
	f.Left = append(f.Left, looseRequests(b, scope)...)
	f.Left = append(f.Left, looseVolumes(b, scope)...)
	finders := []struct {
		what string
		find func(context.Context, API, Scope) ([]Item, error)
	}{{"network interfaces", looseInterfaces}, {"security groups", unusedGroups}, {"networks", unusedNetworks}}
	items, errs := make([][]Item, len(finders)), make([]error, len(finders))
	var all errgroup.Group
	for i, finder := range finders {
		all.Go(func() error {
			items[i], errs[i] = finder.find(ctx, api, scope)
			if awserr.IsDenied(errs[i]) {
				return nil
			}
			return errs[i]
		})
	}
	if err := all.Wait(); err != nil {
		return f, err
	}
	for i, finder := range finders {
		f.unseen(finder.what, errs[i])
		f.Left = append(f.Left, items[i]...)
	}
	return f, nil
}

func (f *Found) unseen(what string, err error) {
	if err != nil {
		f.Unseen = append(f.Unseen, Unseen{what, err})
	}
}
