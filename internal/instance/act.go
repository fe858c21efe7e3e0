package instance

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Actor is what acting needs.
type Actor interface {
	Describer
	StopInstances(context.Context, *ec2.StopInstancesInput, ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
	CancelSpotInstanceRequests(context.Context, *ec2.CancelSpotInstanceRequestsInput, ...func(*ec2.Options)) (*ec2.CancelSpotInstanceRequestsOutput, error)
}

// Stop stops a running instance. Its disk stays and costs money, and its
// deadline holds.
func Stop(ctx context.Context, api Actor, in Instance) error {
	if err := refuseStop(in, "stopped"); err != nil {
		return err
	}
	if _, err := api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{in.ID}}); err != nil {
		return fmt.Errorf("stop %s: %w", in.ID, err)
	}
	return nil
}

// Hibernate stops a running instance with its memory kept on its disk. It must
// have been launched for that.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Hibernate.html
func Hibernate(ctx context.Context, api Actor, in Instance) error {
	if err := refuseStop(in, "hibernated"); err != nil {
		return err
	}
	if !in.Hibernates {
		return problem.New(problem.Failed, "%s was not launched to be able to hibernate", in.Label()).
			WithNext("stop it with spawn stop %s, which loses its memory; launch with --hibernate next time", in.Label())
	}
	_, err := api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{in.ID}, Hibernate: aws.Bool(true)})
	if awserr.Code(err) == "UnsupportedOperation" || awserr.Code(err) == "UnsupportedHibernationConfiguration" {
		return &problem.Error{Kind: problem.Failed, Err: fmt.Errorf("hibernate %s: %w", in.ID, err), Next: "an instance can hibernate about two minutes after its start; try again then"}
	}
	if err != nil {
		return fmt.Errorf("hibernate %s: %w", in.ID, err)
	}
	return nil
}

// refuseStop refuses what cannot be stopped at all.
func refuseStop(in Instance, participle string) error {
	if err := refuseEnded(in, participle); err != nil {
		return err
	}
	if in.Market == lifecycle.Spot && in.Tags.SpotRequest == "" {
		return problem.New(problem.Failed, "%s is of a one-time Spot request, and EC2 stops none of those", in.Label()).
			WithNext("end it with spawn terminate; a Spot instance that can be stopped is launched with --idle-action stop or --hibernate")
	}
	return nil
}

// Start starts a stopped instance. Its deadline is what it was: an instance
// whose deadline has passed would end again at once, so it is refused.
func Start(ctx context.Context, api Actor, in Instance, now Clock) error {
	if err := refuseEnded(in, "started"); err != nil {
		return err
	}
	if strings.HasPrefix(in.StateCode, "Server.Spot") {
		return problem.New(problem.NoCapacity, "EC2 took %s back (%s), and only EC2 starts it again, when it has room", in.Label(), in.Reason()).
			WithNext("wait, or end it and launch another: spawn terminate %s", in.Label())
	}
	if in.Tags.Deadline.Passed(now()) {
		return problem.New(problem.Failed, "the deadline of %s has passed: it would end as soon as it starts", in.ID).
			WithNext("give it more time first: spawn extend %s 2h", in.Label())
	}
	if _, err := api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{in.ID}}); err != nil {
		return fmt.Errorf("start %s: %w", in.ID, err)
	}
	return nil
}

// Terminate ends an instance for good. One that has ended is no error. Its Spot
// request goes first: a persistent one would start another instance in its
// place. A one-time request closes by itself, so that it is no reason to keep
// the instance.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-spot-instances-work.html
func Terminate(ctx context.Context, api Actor, in Instance) error {
	if in.SpotRequest != "" {
		_, err := api.CancelSpotInstanceRequests(ctx, &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{in.SpotRequest}})
		if err != nil && !awserr.IsNotFound(err) && in.Tags.SpotRequest != "" {
			return fmt.Errorf("cancel the Spot request %s of %s: %w", in.SpotRequest, in.ID, err)
		}
	}
	if _, err := api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{in.ID}}); err != nil {
		return fmt.Errorf("terminate %s: %w", in.ID, err)
	}
	return nil
}

// Label is what to call the instance in front of a person: its name, else its
// id.
func (in Instance) Label() string {
	if in.Name != "" {
		return in.Name
	}
	return in.ID
}

func refuseEnded(in Instance, participle string) error {
	if !in.State.Ended() {
		return nil
	}
	return problem.New(problem.Failed, "%s is %s and cannot be %s", in.Label(), in.State, participle)
}

// In tells whether an instance is in one of the states.
func In(states ...lifecycle.State) func(Instance) bool {
	return func(in Instance) bool {
		for _, s := range states {
			if in.State == s {
				return true
			}
		}
		return false
	}
}
