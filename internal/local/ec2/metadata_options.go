package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// metadataRequest are the metadata options that a request names; what it leaves
// out stays as it is.
type metadataRequest struct {
	HTTPTokens              string `query:"HttpTokens"`
	HTTPPutResponseHopLimit *int   `query:"HttpPutResponseHopLimit"`
	HTTPEndpoint            string `query:"HttpEndpoint"`
	InstanceMetadataTags    string
}

// apply changes options as the request says.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
func (r metadataRequest) apply(o MetadataOptions) (MetadataOptions, error) {
	for _, err := range []error{
		oneOf("HttpTokens", r.HTTPTokens, "optional", "required"),
		oneOf("HttpEndpoint", r.HTTPEndpoint, "enabled", "disabled"),
		oneOf("InstanceMetadataTags", r.InstanceMetadataTags, "enabled", "disabled"),
	} {
		if err != nil {
			return o, err
		}
	}
	if r.HTTPTokens != "" {
		o.Tokens = r.HTTPTokens
	}
	if r.HTTPEndpoint != "" {
		o.Endpoint = r.HTTPEndpoint
	}
	if r.InstanceMetadataTags != "" {
		o.Tags = r.InstanceMetadataTags
	}
	if r.HTTPPutResponseHopLimit != nil {
		o.HopLimit = *r.HTTPPutResponseHopLimit
		if o.HopLimit < 1 || o.HopLimit > 64 {
			return o, errValue("Invalid value '%d' for HttpPutResponseHopLimit: it must be from 1 to 64", o.HopLimit)
		}
	}
	return o, nil
}

type modifyMetadataInput struct {
	call.Dry
	metadataRequest
	Instance string `query:"InstanceId"`
}

type modifyMetadataOutput struct {
	Instance string       `xml:"instanceId"`
	Options  metadataView `xml:"instanceMetadataOptions"`
}

// modifyInstanceMetadataOptions changes how the metadata of an instance that
// runs or is stopped can be asked for; at once here. Tags can be shown only if
// their keys are fit for a path.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html
func (s *Service) modifyInstanceMetadataOptions(tx *store.Tx, c *call.Caller, in *modifyMetadataInput) (*modifyMetadataOutput, error) {
	i, err := s.instances.find(tx, c.Region, in.Instance)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:ModifyInstanceMetadataOptions", s.arn(c.Region, "instance", i.ID), s.instanceKeys(tx, i)); err != nil {
		return nil, err
	}
	if in.metadataRequest == (metadataRequest{}) {
		return nil, errMissing("HttpTokens, HttpPutResponseHopLimit, HttpEndpoint or InstanceMetadataTags")
	}
	if i.State != Running && i.State != Stopped {
		return nil, wire.Errorf("IncorrectInstanceState", "The instance '%s' is neither running nor stopped.", i.ID)
	}
	if i.Metadata, err = in.apply(i.Metadata); err != nil {
		return nil, err
	}
	if i.Metadata.Tags == "enabled" {
		tags, _ := s.tags.Get(tx, i.ID)
		if err := checkMetadataKeys(tags); err != nil {
			return nil, err
		}
	}
	s.instances.Put(tx, i.ID, i)
	return &modifyMetadataOutput{i.ID, viewMetadata(i.Metadata)}, nil
}

// viewMetadata shows the options, which are in force as soon as they are set.
func viewMetadata(o MetadataOptions) metadataView {
	return metadataView{"applied", o.Tokens, o.HopLimit, o.Endpoint, "disabled", o.Tags}
}
