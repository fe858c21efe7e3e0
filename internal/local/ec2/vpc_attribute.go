package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// boolValue is a truth as an attribute travels, there and back.
type boolValue struct {
	Value bool `xml:"value"`
}

type modifyVpcAttributeInput struct { // which has no DryRun
	VPC          string     `query:"VpcId"`
	DNSSupport   *boolValue `query:"EnableDnsSupport"`
	DNSHostnames *boolValue `query:"EnableDnsHostnames"`
}

// modifyVpcAttribute changes one attribute. Host names need a resolver.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html
func (s *Service) modifyVpcAttribute(tx *store.Tx, c *call.Caller, in *modifyVpcAttributeInput) (*done, error) {
	v, err := s.vpcs.find(tx, c.Region, in.VPC)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:ModifyVpcAttribute", s.arn(c.Region, "vpc", v.ID), s.vpcKeys(tx, v)); err != nil {
		return nil, err
	}
	switch {
	case in.DNSSupport != nil && in.DNSHostnames != nil:
		return nil, errCombination("Fields for multiple attribute types specified: enableDnsHostnames, enableDnsSupport")
	case in.DNSSupport != nil:
		v.DNSSupport = in.DNSSupport.Value
	case in.DNSHostnames != nil && in.DNSHostnames.Value && !v.DNSSupport:
		return nil, errCombination("enableDnsHostnames can be turned on only where enableDnsSupport is")
	case in.DNSHostnames != nil:
		v.DNSHostnames = in.DNSHostnames.Value
	default:
		return nil, errCombination("No attributes specified.")
	}
	s.vpcs.Put(tx, v.ID, v)
	return &done{true}, nil
}

type describeVpcAttributeInput struct {
	call.Dry
	VPC       string `query:"VpcId"`
	Attribute string
}

type vpcAttributeOutput struct {
	VPC          string     `xml:"vpcId"`
	DNSSupport   *boolValue `xml:"enableDnsSupport"`
	DNSHostnames *boolValue `xml:"enableDnsHostnames"`
}

// describeVpcAttribute tells one attribute.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcAttribute.html
func (s *Service) describeVpcAttribute(tx *store.Tx, c *call.Caller, in *describeVpcAttributeInput) (*vpcAttributeOutput, error) {
	v, err := s.vpcs.find(tx, c.Region, in.VPC)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:DescribeVpcAttribute", s.arn(c.Region, "vpc", v.ID), s.vpcKeys(tx, v)); err != nil {
		return nil, err
	}
	out := &vpcAttributeOutput{VPC: v.ID}
	switch in.Attribute {
	case "":
		return nil, errMissing("attribute")
	case "enableDnsSupport":
		out.DNSSupport = &boolValue{v.DNSSupport}
	case "enableDnsHostnames":
		out.DNSHostnames = &boolValue{v.DNSHostnames}
	default:
		return nil, errValue("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return out, nil
}

// publicName is the public name of an address in a VPC, which there is only
// where the VPC has host names.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
func (s *Service) publicName(tx *store.Tx, vpc, address string) string {
	v, _ := s.vpcs.Get(tx, vpc)
	if !v.DNSHostnames || !v.DNSSupport {
		return ""
	}
	return publicDNS(v.Region, address)
}
