package ec2

// PublicImages are the images of a region whose ids AWS publishes under SSM
// parameters; each names its parameter.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html
func PublicImages(region string) []Image { return images(region) }
