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
	agent   bootstrap.Agent
}

// attempt is a frozen request: asked again after a lost answer, it is sent with
// the same token and the same bytes, and EC2 makes no second instance. Anything
// that changes is a new attempt.
type attempt struct {
	request  *ec2.RunInstancesInput
	deadline lifecycle.Deadline
}

// freeze writes the request for the attempt with the given number, counted
// from one.
func (p Plan) freeze(number int, have prepared, endpoint string) (attempt, error) {
	tags := lifecycle.InstanceTags{
		Origin:   have.origin,
		Name:     p.Name,
		TTL:      p.Lifetime.TTL,
		Deadline: lifecycle.DeadlineAt(have.origin.Created.Add(p.Lifetime.TTL)),
	}
	userData, err := bootstrap.UserData(bootstrap.Params{
		Policy:   lifecycle.Policy{Launched: tags.Created, TTL: tags.TTL, Deadline: tags.Deadline, Tagged: tags.Deadline},
		Agent:    &have.agent,
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
		ImageId:                           aws.String(p.Image.ID()),
		InstanceType:                      types.InstanceType(p.Type.Name),
		SecurityGroupIds:                  []string{have.network.SecurityGroup},
		IamInstanceProfile:                &types.IamInstanceProfileSpecification{Name: aws.String(have.profile)},
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
		UserData:                          aws.String(base64.StdEncoding.EncodeToString(userData)),
		MetadataOptions:                   metadataOptions(),
		BlockDeviceMappings:               []types.BlockDeviceMapping{rootVolume(p.Image.RootDevice)},
		TagSpecifications:                 tagSpecifications(tags),
	}
	if have.key != "" {
		request.KeyName = aws.String(have.key)
	}
	if p.Zone != "" {
		request.Placement = &types.Placement{AvailabilityZone: aws.String(p.Zone)}
	}
	return attempt{request: request, deadline: tags.Deadline}, nil
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
func tagSpecifications(tags lifecycle.InstanceTags) []types.TagSpecification {
	belongings := tags.Origin.Tags()
	belongings[lifecycle.TagName] = tags.Name
	return []types.TagSpecification{
		{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags.Tags())},
		{ResourceType: types.ResourceTypeVolume, Tags: account.EC2Tags(belongings)},
		{ResourceType: types.ResourceTypeNetworkInterface, Tags: account.EC2Tags(belongings)},
	}
}
