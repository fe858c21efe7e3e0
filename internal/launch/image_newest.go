package launch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// ImageReader is what reading images calls.
type ImageReader interface {
	DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error)
}

func newestImage(ctx context.Context, api ImageReader, image Image, architecture string) (Image, error) {
	return image, nil
}
