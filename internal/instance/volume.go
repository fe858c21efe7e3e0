package instance

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Volume is a volume of an instance.
type Volume struct {
	ID      string
	Type    string // gp3, gp2 and so on
	SizeGiB int
}

// VolumeReader is what reading volumes calls.
type VolumeReader interface {
	DescribeVolumes(context.Context, *ec2.DescribeVolumesInput, ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error)
}

// Volumes reads the volumes that are attached to an instance.
func Volumes(ctx context.Context, api VolumeReader, id string) ([]Volume, error) {
	var all []Volume
	pages := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{Filters: []types.Filter{
		{Name: aws.String("attachment.instance-id"), Values: []string{id}},
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the volumes of %s: %w", id, err)
		}
		for _, v := range page.Volumes {
			all = append(all, Volume{ID: aws.ToString(v.VolumeId), Type: string(v.VolumeType), SizeGiB: int(aws.ToInt32(v.Size))})
		}
	}
	return all, nil
}
