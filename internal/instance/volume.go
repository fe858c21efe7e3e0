package instance

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	all, err := VolumesOf(ctx, api, []string{id})
	return all[id], err
}

// filterValues is how many values a filter takes at most.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
const filterValues = 200

// VolumesOf reads the volumes that are attached to instances, by their ids.
func VolumesOf(ctx context.Context, api VolumeReader, ids []string) (map[string][]Volume, error) {
	all := map[string][]Volume{}
	for some := range slices.Chunk(ids, filterValues) {
		pages := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{Filters: []types.Filter{
			{Name: aws.String("attachment.instance-id"), Values: some},
		}})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return all, fmt.Errorf("read the volumes of %s: %w", strings.Join(some, " "), err)
			}
			for _, v := range page.Volumes {
				for _, a := range v.Attachments {
					id := aws.ToString(a.InstanceId)
					all[id] = append(all[id], Volume{ID: aws.ToString(v.VolumeId), Type: string(v.VolumeType), SizeGiB: int(aws.ToInt32(v.Size))})
				}
			}
		}
	}
	return all, nil
}
