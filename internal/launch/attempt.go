package launch

import (
	"encoding/base64"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/bootstrap"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// prepared is what the account has for the launch.
type prepared struct {
	who     account.Identity
	origin  lifecycle.Origin
	key     string // "" without one
	network account.Network
	profile string
	agents  map[string]bootstrap.Agent // by architecture
}

// attempt is a frozen request: asked again after a lost answer, it is sent with
// the same token and the same bytes, and EC2 makes no second instance. Anything
// that changes is a new attempt.
type attempt struct {
	candidate Candidate
	request   *ec2.RunInstancesInput
	deadline  lifecycle.Deadline
}

// freeze writes the request for a candidate in a zone ("" leaves it to EC2), as
// the attempt with the given number, counted from one.
func (p Plan) freeze(number int, c Candidate, zone string, have prepared, endpoint string) (attempt, error) {
	deadline := lifecycle.DeadlineAt(have.origin.Created.Add(p.Lifetime.TTL))
	if deadline.Later(p.NotAfter) && !p.NotAfter.IsZero() {
		deadline = p.NotAfter
	}
	tags := lifecycle.InstanceTags{
		Origin:   have.origin,
		Name:     p.Name,
		TTL:      deadline.Left(have.origin.Created), // both tags say the same
		Deadline: deadline,
	}
	agent := have.agents[c.Architecture]
	userData, err := bootstrap.UserData(bootstrap.Params{
		Policy:   lifecycle.Policy{Launched: tags.Created, TTL: tags.TTL, Deadline: tags.Deadline, Tagged: tags.Deadline},
		Agent:    &agent,
		Endpoint: endpoint,
		Region:   p.Region,
	})
	if err != nil {
		return attempt{}, fmt.Errorf("write the user-data: %w", err)
	}
	request := &ec2.RunInstancesInput{
		ClientToken:                       aws.String(fmt.Sprintf("%s-%d", p.Launch, number)),
		MinCount:                          aws.Int32(1),
		MaxCount:                          aws.Int32(1),
		ImageId:                           aws.String(c.Image.ID()),
		InstanceType:                      types.InstanceType(c.Type.Name),
		IamInstanceProfile:                &types.IamInstanceProfileSpecification{Name: aws.String(have.profile)},
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
		UserData:                          aws.String(base64.StdEncoding.EncodeToString(userData)),
		MetadataOptions:                   metadataOptions(),
		BlockDeviceMappings:               []types.BlockDeviceMapping{rootVolume(c.Image.RootDevice)},
		TagSpecifications:                 tagSpecifications(tags, c.Market),
		InstanceMarketOptions:             c.marketOptions(),
	}
	have.place(request, zone, p.Chosen.NoPublicIP)
	if have.key != "" {
		request.KeyName = aws.String(have.key)
	}
	if zone != "" {
		request.Placement = &types.Placement{AvailabilityZone: aws.String(zone)}
	}
	if c.Reservation != nil {
		request.CapacityReservationSpecification = &types.CapacityReservationSpecification{
			CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: aws.String(c.Reservation.ID)},
		}
	}
	return attempt{candidate: c, request: request, deadline: tags.Deadline}, nil
}

// marketOptions say how the instance is bought; nil is on demand. A Spot
// request is for one instance, once: it closes by itself when that one ends.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMarketOptionsRequest.html
func (c Candidate) marketOptions() *types.InstanceMarketOptionsRequest {
	switch c.Market {
	case lifecycle.Spot:
		spot := &types.SpotMarketOptions{
			SpotInstanceType:             types.SpotInstanceTypeOneTime,
			InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorTerminate,
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

// metadataOptions require session tokens, show the tags to the agent, and leave
// the second hop that containers need.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
func metadataOptions() *types.InstanceMetadataOptionsRequest {
	return &types.InstanceMetadataOptionsRequest{
		HttpEndpoint:            types.InstanceMetadataEndpointStateEnabled,
		HttpTokens:              types.HttpTokensStateRequired,
		HttpPutResponseHopLimit: aws.Int32(2),
		InstanceMetadataTags:    types.InstanceMetadataTagsStateEnabled,
	}
}

// rootVolume is encrypted, of the image's own size, and gone with its instance.
func rootVolume(device string) types.BlockDeviceMapping {
	return types.BlockDeviceMapping{
		DeviceName: aws.String(device),
		Ebs: &types.EbsBlockDevice{
			VolumeType:          types.VolumeTypeGp3,
			Encrypted:           aws.Bool(true),
			DeleteOnTermination: aws.Bool(true),
		},
	}
}

// tagSpecifications tag the instance and what is born with it.
func tagSpecifications(tags lifecycle.InstanceTags, market lifecycle.Market) []types.TagSpecification {
	belongings := tags.Origin.Tags()
	belongings[lifecycle.TagName] = tags.Name
	specifications := []types.TagSpecification{
		{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags.Tags())},
		{ResourceType: types.ResourceTypeVolume, Tags: account.EC2Tags(belongings)},
		{ResourceType: types.ResourceTypeNetworkInterface, Tags: account.EC2Tags(belongings)},
	}
	if market == lifecycle.Spot {
		specifications = append(specifications, types.TagSpecification{ResourceType: types.ResourceTypeSpotInstancesRequest, Tags: account.EC2Tags(belongings)})
	}
	return specifications
}
