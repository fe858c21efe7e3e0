package launch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Who publishes the images of our table.
//
// https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
// https://wiki.debian.org/Cloud/AmazonEC2Image/Bookworm
const (
	amazon      = "amazon"
	canonical   = "099720109477"
	debianCloud = "136693071363"
)

// pattern is how an image is called among all that there are.
type pattern struct {
	owner string // an account or the alias amazon; a name alone could be anybody's
	name  string // with * for what differs by release
}

// Newest finds the image without its parameter: the newest one of its publisher
// that is called like it. It is for callers who may not read parameters: for
// them EC2 refuses a launch by a parameter, and a launch by the id that this
// finds is another attempt. What EC2 tells of the image replaces our table's
// word. An image that is named by its id already is returned as it is.
func Newest(ctx context.Context, api ImageReader, image Image, architecture string) (Image, error) {
	if image.AMI != "" {
		return image, nil
	}
	var found []types.Image
	pages := ec2.NewDescribeImagesPaginator(api, &ec2.DescribeImagesInput{
		Owners: []string{image.newest.owner},
		Filters: []types.Filter{
			{Name: aws.String("name"), Values: []string{image.newest.name}},
			{Name: aws.String("architecture"), Values: []string{architecture}},
			{Name: aws.String("state"), Values: []string{"available"}},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return image, fmt.Errorf("look for the newest image of %s: %w", image.Name, err)
		}
		found = append(found, page.Images...)
	}
	if len(found) == 0 {
		return image, problem.New(problem.NotFound, "there is no image of %s for %s here", image.Name, architecture).
			WithNext("name one by its id: --ami ami-…, or ask for the permission ssm:GetParameters")
	}
	// The dates are in UTC and of one form, so they compare as text.
	newest := slices.MaxFunc(found, func(a, b types.Image) int {
		return strings.Compare(aws.ToString(a.CreationDate), aws.ToString(b.CreationDate))
	})
	return image.described(newest)
}

// recognise finds out who logs in and whether AWS lists the image for
// hibernation, where that is certain: by who published it and how it is
// called. A name alone proves nothing, since anybody may choose one.
func (i *Image) recognise(d types.Image) {
	name, owner := aws.ToString(d.Name), aws.ToString(d.OwnerId)
	byAmazon := aws.ToString(d.ImageOwnerAlias) == amazon
	switch {
	case byAmazon && strings.HasPrefix(name, "al2023-ami-2023."):
		i.User, i.Hibernates = "ec2-user", catalog.Yes
	case byAmazon && (strings.HasPrefix(name, "al2023-ami-") || strings.HasPrefix(name, "amzn2-ami-")):
		i.User = "ec2-user"
	case byAmazon && strings.HasPrefix(name, "Deep Learning ") && strings.Contains(name, "(Amazon Linux "):
		i.User = "ec2-user"
	case byAmazon && strings.HasPrefix(name, "Deep Learning ") && strings.Contains(name, "(Ubuntu "):
		i.User = "ubuntu"
	case owner == canonical && strings.HasPrefix(name, "ubuntu/images/"):
		i.User = "ubuntu"
	case owner == debianCloud && strings.HasPrefix(name, "debian-"):
		i.User = "admin"
	case i.User == "":
		i.Notes = append(i.Notes,
			fmt.Sprintf("who logs in on %s is unknown, and ec2-user is assumed; spawn connect takes the tag spawn:user", i.AMI),
			fmt.Sprintf("%s is assumed to run cloud-init: without it, neither the operating system's timer nor the agent ends the instance", i.AMI))
	}
}
