package instance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Software is what an image costs beside the machine: the name of a system
// whose licence is billed with it, such as "Red Hat Enterprise Linux", or of the
// Marketplace; "" when nothing comes on top of the price of Linux. What it costs
// is not known here.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-billing-info.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ProductCode.html
func Software(platformDetails *string, codes []types.ProductCode) string {
	const plain = "Linux/UNIX"
	if details := aws.ToString(platformDetails); details != "" && details != plain {
		return details
	}
	if len(codes) > 0 {
		return "software of the AWS Marketplace"
	}
	return ""
}
