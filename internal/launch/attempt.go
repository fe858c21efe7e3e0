package launch

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/bootstrap"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// prepared is what the account has for the launch.
type prepared struct {
	origin     lifecycle.Origin
	read       time.Time // when origin's moment was read, by this machine's clock
	key        string    // "" without one
	network    account.Network
	profile    string                      // "": no instance profile
	agents     map[string]*bootstrap.Agent // by architecture; nil: none can be had
	unverified []Candidate                 // whose agents are remembered to be in the bucket
	script     string                      // where the user's user-data lies that is too large to send; "": it is sent
}

// attempt is a frozen request: asked again after a lost answer, it is sent with
// the same token and the same bytes, and EC2 makes no second instance. Anything
// that changes is a new attempt.
type attempt struct {
	candidate Candidate
	request   *ec2.RunInstancesInput
	deadline  lifecycle.Deadline
}

// freeze writes the request for up to share instances of a candidate in a zone
// ("" leaves it to EC2), as the attempt with the given number, counted from one.
func (p Plan) freeze(number int, t try, share int, have *prepared, endpoint string) (attempt, error) {
	c := t.Candidate
	tags := p.instanceTags(have.origin, c)
	userData, err := p.userData(c, tags, have, endpoint)
	if err != nil {
		return attempt{}, fmt.Errorf("write the user-data: %w", err)
	}
	request := &ec2.RunInstancesInput{
		ClientToken:                       aws.String(fmt.Sprintf("%s-%d", p.Launch, number)),
		MinCount:                          aws.Int32(1),
		MaxCount:                          aws.Int32(int32(share)),
		ImageId:                           aws.String(c.Image.ID()),
		InstanceType:                      types.InstanceType(c.Type.Name),
		IamInstanceProfile:                profileSpecification(have.profile),
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
		UserData:                          aws.String(base64.StdEncoding.EncodeToString(userData)),
		MetadataOptions:                   p.metadataOptions(),
		BlockDeviceMappings:               c.volumes(),
		HibernationOptions:                c.hibernationOptions(),
		TagSpecifications:                 tagSpecifications(tags, p.Tags, c.Market),
		InstanceMarketOptions:             c.marketOptions(tags.Deadline),
	}
	have.place(request, t.zone, p.Chosen.NoPublicIP)
	if have.key != "" {
		request.KeyName = aws.String(have.key)
	}
	if t.zone != "" {
		request.Placement = &types.Placement{AvailabilityZone: aws.String(t.zone)}
	}
	if c.Reservation != nil {
		request.CapacityReservationSpecification = &types.CapacityReservationSpecification{
			CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: aws.String(c.Reservation.ID)},
		}
	}
	return attempt{candidate: c, request: request, deadline: tags.Deadline}, nil
}

// instanceTags are what an instance of the plan says about itself.
func (p Plan) instanceTags(origin lifecycle.Origin, c Candidate) lifecycle.InstanceTags {
	deadline := lifecycle.DeadlineAt(origin.Created.Add(p.Lifetime.TTL))
	if deadline.Later(p.NotAfter) && !p.NotAfter.IsZero() {
		deadline = p.NotAfter
	}
	return lifecycle.InstanceTags{
		Origin:   origin,
		Name:     p.Name,
		TTL:      deadline.Left(origin.Created), // both tags say the same
		Deadline: deadline,
		Idle:     p.Idle,
		User:     c.Image.User,
	}
}

// userData is what an instance of a candidate boots with.
func (p Plan) userData(c Candidate, tags lifecycle.InstanceTags, have *prepared, endpoint string) ([]byte, error) {
	return bootstrap.UserData(bootstrap.Params{
		Policy: lifecycle.Policy{
			Launched: tags.Created, TTL: tags.TTL, Deadline: tags.Deadline, Tagged: tags.Deadline,
			Idle: p.Idle, PreStop: p.PreStop,
		},
		Agent:     have.agents[c.Architecture],
		Endpoint:  endpoint,
		Region:    p.Region,
		ShareRole: p.ShareRole,
		User:      p.UserData,
		Carried:   have.script,
	})
}

// profileSpecification names an instance profile, by its name or its ARN.
func profileSpecification(profile string) *types.IamInstanceProfileSpecification {
	switch {
	case profile == "":
		return nil
	case strings.HasPrefix(profile, "arn:"):
		return &types.IamInstanceProfileSpecification{Arn: aws.String(profile)}
	default:
		return &types.IamInstanceProfileSpecification{Name: aws.String(profile)}
	}
}

// marketOptions say how the instance is bought; nil is on demand. A one-time
// Spot request closes by itself when its instance ends. One that may be stopped
// is persistent, and asks for no other instance after the deadline.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMarketOptionsRequest.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotMarketOptions.html
func (c Candidate) marketOptions(deadline lifecycle.Deadline) *types.InstanceMarketOptionsRequest {
	switch c.Market {
	case lifecycle.Spot:
		spot := &types.SpotMarketOptions{
			SpotInstanceType:             types.SpotInstanceTypeOneTime,
			InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorTerminate,
		}
		if c.Interruption != "" {
			spot.SpotInstanceType = types.SpotInstanceTypePersistent
			spot.InstanceInterruptionBehavior = c.Interruption
			spot.ValidUntil = aws.Time(deadline.Time())
		}
		if c.SpotMaxPrice != "" {
			spot.MaxPrice = aws.String(c.SpotMaxPrice)
		}
		return &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: spot}
	case lifecycle.CapacityBlock:
		return &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeCapacityBlock}
	default:
		return nil
	}
}

// metadataOptions require session tokens, show the tags to the agent unless the
// plan says otherwise, and leave the second hop that containers need.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
func (p Plan) metadataOptions() *types.InstanceMetadataOptionsRequest {
	options := &types.InstanceMetadataOptionsRequest{
		HttpEndpoint:            types.InstanceMetadataEndpointStateEnabled,
		HttpTokens:              types.HttpTokensStateRequired,
		HttpPutResponseHopLimit: aws.Int32(2),
		InstanceMetadataTags:    types.InstanceMetadataTagsStateDisabled,
	}
	if p.MetadataTags {
		options.InstanceMetadataTags = types.InstanceMetadataTagsStateEnabled
	}
	return options
}

// tagSpecifications tag the instance and what is born with it, with the user's
// own tags too.
func tagSpecifications(tags lifecycle.InstanceTags, users map[string]string, market lifecycle.Market) []types.TagSpecification {
	belongings, own := tags.Origin.Tags(), tags.Tags()
	belongings[lifecycle.TagName] = tags.Name
	maps.Copy(belongings, users)
	maps.Copy(own, users)
	specifications := []types.TagSpecification{
		{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(own)},
		{ResourceType: types.ResourceTypeVolume, Tags: account.EC2Tags(belongings)},
		{ResourceType: types.ResourceTypeNetworkInterface, Tags: account.EC2Tags(belongings)},
	}
	if market == lifecycle.Spot {
		specifications = append(specifications, types.TagSpecification{ResourceType: types.ResourceTypeSpotInstancesRequest, Tags: account.EC2Tags(belongings)})
	}
	return specifications
}
