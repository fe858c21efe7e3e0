// Package instance reads instances that exist and acts on them: list, find,
// stop, start, terminate, wait. It launches nothing and cleans up nothing.
package instance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Instance is an instance as EC2 describes it, with our tags read.
type Instance struct {
	ID          string
	Name        string
	Type        string
	Zone        string
	Market      lifecycle.Market
	SpotRequest string // the Spot request that it is of; "" when it is of none
	Persistent  string // the Spot request, when it is persistent and would replace the instance; else ""
	Reservation string // the capacity reservation that it runs in; "" when in none
	State       lifecycle.State
	StateReason string    // why it left the state it was in, in EC2's words; "" when EC2 gives none
	StateCode   string    // the same as a code: Client.UserInitiatedShutdown
	Changed     time.Time // when it was stopped or ended, as far as EC2 says; else zero
	PublicIP    string    // "" when it has none
	Hibernates  bool      // it was launched to be able to
	PrivateIP   string    // in its VPC
	VPC         string    // "" once it has ended
	Groups      []string  // its security groups' ids; none once it has ended
	KeyName     string    // the key pair that lets its user in; "" when none does
	Software    string    // what is billed beside the machine, as Software names it; "" when nothing is
	Launched    time.Time // the last start, by EC2's clock
	Tags        lifecycle.InstanceTags
	TagProblems []error           // tags that could not be understood
	Kept        bool              // it is never to be deleted but by its own layers and its owner's word
	NoBackstop  bool              // its launch could not arm the cloud's layer of the deadline
	Status      *lifecycle.Status // what the agent said last; nil when it said nothing
}

// Managed is the filter for what spawn made.
func Managed() types.Filter {
	return types.Filter{Name: aws.String("tag:" + lifecycle.TagManaged), Values: []string{"true"}}
}

// Describer is what reading needs.
type Describer interface {
	DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
}

// List returns the instances that spawn made in the region, terminated ones
// included as long as EC2 shows them, oldest launch first.
func List(ctx context.Context, api Describer) ([]Instance, error) {
	return describe(ctx, api, &ec2.DescribeInstancesInput{Filters: []types.Filter{Managed()}, MaxResults: aws.Int32(1000)})
}

// Get reads one instance by its id. EC2 may not show a new instance at once:
// that is an error that awserr.IsNotFound recognises.
func Get(ctx context.Context, api Describer, id string) (Instance, error) {
	found, err := describe(ctx, api, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return Instance{}, err
	}
	if len(found) != 1 {
		return Instance{}, problem.New(problem.NotFound, "there is no instance %s in this region", id)
	}
	return found[0], nil
}

// MostFilterValues is how many values EC2 takes in the filters of one request.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html
const MostFilterValues = 200

// Where returns EC2's descriptions of the instances for which the filter has one
// of the values, whosever they are, in as many requests as that takes. An id that
// is gone is left out, where a list by ids would be refused.
func Where(ctx context.Context, api Describer, filter string, values []string) (all []types.Instance, err error) {
	for some := range slices.Chunk(values, MostFilterValues) {
		found, err := readAll(ctx, api, &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String(filter), Values: some}}})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func describe(ctx context.Context, api Describer, in *ec2.DescribeInstancesInput) ([]Instance, error) {
	found, err := readAll(ctx, api, in)
	if err != nil {
		return nil, fmt.Errorf("list the instances: %w", err)
	}
	var out []Instance
	for _, i := range found {
		out = append(out, Read(i))
	}
	slices.SortStableFunc(out, func(a, b Instance) int { return a.Launched.Compare(b.Launched) })
	return out, nil
}

// readAll reads all pages of one question.
func readAll(ctx context.Context, api Describer, in *ec2.DescribeInstancesInput) (all []types.Instance, err error) {
	pages := ec2.NewDescribeInstancesPaginator(api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Reservations {
			all = append(all, r.Instances...)
		}
	}
	return all, nil
}

// Read turns EC2's description into ours.
func Read(i types.Instance) Instance {
	tags := account.TagMap(i.Tags)
	in := Instance{
		ID:       aws.ToString(i.InstanceId),
		Name:     tags[lifecycle.TagName],
		Type:     string(i.InstanceType),
		Market:   lifecycle.ParseMarket(string(i.InstanceLifecycle)),
		State:    lifecycle.StateUnknown,
		PublicIP: aws.ToString(i.PublicIpAddress), PrivateIP: aws.ToString(i.PrivateIpAddress), KeyName: aws.ToString(i.KeyName),
		Launched: aws.ToTime(i.LaunchTime),
		Software: Software(i.PlatformDetails, i.ProductCodes),

		SpotRequest: aws.ToString(i.SpotInstanceRequestId),
		Persistent:  tags[lifecycle.TagSpotRequest],
		Kept:        lifecycle.Kept(tags),
		NoBackstop:  tags[lifecycle.TagBackstop] == lifecycle.BackstopMissing,
		Reservation: aws.ToString(i.CapacityReservationId),
		VPC:         aws.ToString(i.VpcId),
	}
	for _, g := range i.SecurityGroups {
		in.Groups = append(in.Groups, aws.ToString(g.GroupId))
	}
	in.Changed = changed(aws.ToString(i.StateTransitionReason))
	if i.HibernationOptions != nil {
		in.Hibernates = aws.ToBool(i.HibernationOptions.Configured)
	}
	if i.State != nil {
		in.State = lifecycle.ParseState(string(i.State.Name))
	}
	if i.StateReason != nil {
		in.StateReason, in.StateCode = aws.ToString(i.StateReason.Message), aws.ToString(i.StateReason.Code)
	}
	if i.Placement != nil {
		in.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	in.Tags, in.TagProblems = lifecycle.ReadInstanceTags(tags)
	if in.Persistent == "" && persists(i, in.Tags.Idle) {
		in.Persistent = in.SpotRequest
	}
	if s, err := lifecycle.ParseStatus(tags[lifecycle.TagStatus]); err == nil {
		in.Status = &s
	}
	return in
}

// persists tells that an instance was launched to stop or to hibernate, which of
// Spot instances only those of persistent requests can: its launch may have died
// before it wrote down which request that is.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interruption-behavior.html
func persists(i types.Instance, idle lifecycle.IdlePolicy) bool {
	hibernates := i.HibernationOptions != nil && aws.ToBool(i.HibernationOptions.Configured)
	return hibernates || idle.Does() == lifecycle.Stop || idle.Does() == lifecycle.Hibernate
}

// changed is the time that EC2 writes behind the reason of a state, such as
// "User initiated (2026-11-28 16:00:00 GMT)"; zero when it writes none.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func changed(reason string) time.Time {
	_, text, _ := strings.Cut(reason, "(")
	t, err := time.Parse("2006-01-02 15:04:05 GMT)", text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Find returns the one instance that a person means by a name or an id. Of
// instances with the same name, the one that has not ended is meant; several
// of those are ambiguous, and the error lists them. Ended instances are found
// only when nothing else has the name.
func Find(all []Placed, nameOrID string) (Placed, error) {
	var living, ended []Placed
	for _, in := range all {
		switch {
		case in.ID == nameOrID:
			return in, nil
		case in.Name != nameOrID:
		case in.State.Ended():
			ended = append(ended, in)
		default:
			living = append(living, in)
		}
	}
	switch {
	case len(living) == 1:
		return living[0], nil
	case len(living) > 1:
		ids := make([]string, len(living))
		for i, in := range living {
			ids[i] = fmt.Sprintf("%s (%s in %s)", in.ID, in.Type, in.Zone)
		}
		return Placed{}, problem.New(problem.Usage, "%d instances are called %s", len(living), nameOrID).
			WithNext("say which by its id: %s", strings.Join(ids, ", "))
	case len(ended) > 0:
		return ended[len(ended)-1], nil
	}
	return Placed{}, problem.New(problem.NotFound, "no instance of spawn's is called %s here", nameOrID).
		WithNext("see what there is with: spawn list")
}
