package ec2

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// textValue is a text as an attribute travels, there and back.
type textValue struct {
	Value string `xml:"value,omitempty"`
}

type modifyInstanceInput struct {
	call.Dry
	Instance              string     `query:"InstanceId"`
	InstanceType          *textValue `query:"InstanceType"`
	UserData              *textValue `query:"UserData"` // in base64
	ShutdownBehavior      *textValue `query:"InstanceInitiatedShutdownBehavior"`
	DisableAPITermination *boolValue `query:"DisableApiTermination"`
	Groups                []string   `query:"GroupId"`
	// The other form: the name of an attribute and what it is to be.
	Attribute string
	Value     *string
}

// setting is one attribute and what it is to be.
type setting struct{ attribute, value string }

// setting is the one attribute that a request changes.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
func (in *modifyInstanceInput) setting() (setting, error) {
	var all []setting
	for name, v := range map[string]*textValue{
		"instanceType": in.InstanceType, "userData": in.UserData, "instanceInitiatedShutdownBehavior": in.ShutdownBehavior,
	} {
		if v != nil {
			all = append(all, setting{name, v.Value})
		}
	}
	if in.DisableAPITermination != nil {
		all = append(all, setting{"disableApiTermination", strconv.FormatBool(in.DisableAPITermination.Value)})
	}
	if len(in.Groups) > 0 {
		all = append(all, setting{attribute: "groupSet"})
	}
	if in.Attribute != "" {
		if in.Value == nil {
			return setting{}, errMissing("value")
		}
		all = append(all, setting{in.Attribute, *in.Value})
	}
	switch len(all) {
	case 0:
		return setting{}, errCombination("No attributes specified.")
	case 1:
		return all[0], nil
	}
	return setting{}, errCombination("Fields for multiple attribute types specified")
}

// modifyInstanceAttribute changes one attribute of an instance. Its type and
// its user-data can be changed only while it is stopped.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html#user-data-modify
func (s *Service) modifyInstanceAttribute(tx *store.Tx, c *call.Caller, in *modifyInstanceInput) (*done, error) {
	i, err := s.instances.find(tx, c.Region, in.Instance)
	if err != nil {
		return nil, err
	}
	change, err := in.setting()
	if err != nil {
		return nil, err
	}
	keys := s.instanceKeys(tx, i)
	keys.Set("ec2:Attribute", change.attribute)
	keys.Set("ec2:Attribute/"+change.attribute, change.value)
	if err := c.Require("ec2:ModifyInstanceAttribute", s.arn(c.Region, "instance", i.ID), keys); err != nil {
		return nil, err
	}
	if i.ending() {
		return nil, wire.Errorf("IncorrectInstanceState", "The instance '%s' is not in a state in which its attributes can be changed.", i.ID)
	}
	if err := i.mayChange(change.attribute); err != nil {
		return nil, err
	}
	switch change.attribute {
	case "instanceType":
		i, err = s.retype(tx, i, change.value)
	case "userData":
		i, err = reseed(i, change.value)
	case "instanceInitiatedShutdownBehavior":
		if change.value == "" {
			return nil, errMissing("value")
		}
		err = oneOf("instanceInitiatedShutdownBehavior", change.value, "stop", "terminate")
		i.OnShutdown = change.value
	case "disableApiTermination":
		if i.Protected, err = strconv.ParseBool(change.value); err != nil {
			err = errValue("Value (%s) for parameter value is invalid. It must be true or false.", change.value)
		}
	case "groupSet":
		i, err = s.regroup(tx, c, i, in.Groups)
	default:
		err = errValue("Value (%s) for parameter attribute is invalid. Unknown attribute.", change.attribute)
	}
	if err != nil {
		return nil, err
	}
	s.instances.Put(tx, i.ID, i)
	return &done{true}, nil
}

// mayChange refuses to change what stays the same of a Spot Instance. The code
// and its words are reported of the protection; the other two are worded alike.
// That the shutdown behavior is one of them was not found in the documentation.
//
// https://github.com/cloud-custodian/cloud-custodian/issues/2083
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interruption-behavior.html has the type
func (i Instance) mayChange(attribute string) error {
	fixed := []string{"disableApiTermination", "instanceInitiatedShutdownBehavior", "instanceType"}
	if i.SpotRequest == "" || !slices.Contains(fixed, attribute) {
		return nil
	}
	return wire.Errorf("UnsupportedOperation", "Modifying '%s' is not supported for spot instances.", attribute)
}

// retype gives a stopped instance another type, of its image's architecture.
// One that can hibernate may change its type as well, and is then
// held to what a launch with hibernation is.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-resize.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-hibernate-overview.html
// https://github.com/pulumi/pulumi/issues/16758 has the code
func (s *Service) retype(tx *store.Tx, i Instance, name string) (Instance, error) {
	if err := mustBeStopped(i); err != nil {
		return i, err
	}
	t, err := findType(name, Image{Architecture: i.Architecture})
	if err != nil {
		return i, wire.Errorf("InvalidInstanceAttributeValue", "%v", err)
	}
	if i.Hibernation {
		image, err := imageOf(i.Region, i.Image)
		if err != nil {
			return i, err
		}
		if err := checkHibernation(t, image, s.volumesOf(tx, i)[0]); err != nil {
			return i, err
		}
	}
	i.Type, i.VCPUs = t.Name, vcpusOf(t)
	return i, nil
}

// reseed gives a stopped instance other user-data.
func reseed(i Instance, text string) (Instance, error) {
	if err := mustBeStopped(i); err != nil {
		return i, err
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return i, errValue("Invalid BASE64 encoding of user data")
	}
	if len(b) > maxUserData {
		return i, errValue("User data is limited to %d bytes", maxUserData)
	}
	i.UserData = b
	return i, nil
}

func mustBeStopped(i Instance) error {
	if i.State == Stopped {
		return nil
	}
	return wire.Errorf("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", i.ID)
}

// regroup puts an instance's interface into other groups of its VPC.
func (s *Service) regroup(tx *store.Tx, c *call.Caller, i Instance, ids []string) (Instance, error) {
	i.Groups = nil
	for _, id := range ids {
		g, err := s.groups.find(tx, c.Region, id)
		if err != nil {
			return i, err
		}
		if err := c.Require("ec2:ModifyInstanceAttribute", s.arn(c.Region, "security-group", g.ID), s.groupKeys(tx, g)); err != nil {
			return i, err
		}
		if g.VPC != i.VPC {
			return i, errValue("Security group %s and instance %s belong to different networks.", g.ID, i.ID)
		}
		i.Groups = append(i.Groups, g.ID)
	}
	if n, found := s.interfaces.Get(tx, i.Interface); found {
		n.Groups = i.Groups
		s.interfaces.Put(tx, n.ID, n)
	}
	return i, nil
}

type describeInstanceAttributeInput struct {
	call.Dry
	Instance  string `query:"InstanceId"`
	Attribute string
}

type instanceAttributeOutput struct {
	Instance         string                       `xml:"instanceId"`
	InstanceType     *textValue                   `xml:"instanceType"`
	UserData         *textValue                   `xml:"userData"`
	ShutdownBehavior *textValue                   `xml:"instanceInitiatedShutdownBehavior"`
	Protected        *boolValue                   `xml:"disableApiTermination"`
	RootDevice       *textValue                   `xml:"rootDeviceName"`
	Groups           *wire.Items[groupIdentifier] `xml:"groupSet"`
}

// describeInstanceAttribute tells one attribute. User-data comes in base64, and
// without a value where there is none.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html
func (s *Service) describeInstanceAttribute(tx *store.Tx, c *call.Caller, in *describeInstanceAttributeInput) (*instanceAttributeOutput, error) {
	i, err := s.instances.find(tx, c.Region, in.Instance)
	if err != nil {
		return nil, err
	}
	keys := s.instanceKeys(tx, i)
	keys.Set("ec2:Attribute", in.Attribute)
	if err := c.Require("ec2:DescribeInstanceAttribute", s.arn(c.Region, "instance", i.ID), keys); err != nil {
		return nil, err
	}
	out := &instanceAttributeOutput{Instance: i.ID}
	switch in.Attribute {
	case "":
		return nil, errMissing("attribute")
	case "instanceType":
		out.InstanceType = &textValue{i.Type}
	case "userData":
		out.UserData = &textValue{base64.StdEncoding.EncodeToString(i.UserData)}
	case "instanceInitiatedShutdownBehavior":
		out.ShutdownBehavior = &textValue{i.OnShutdown}
	case "disableApiTermination":
		out.Protected = &boolValue{i.Protected}
	case "rootDeviceName":
		out.RootDevice = &textValue{i.RootDevice}
	case "groupSet":
		groups := s.identifyGroups(tx, i.Groups)
		out.Groups = &groups
	default:
		return nil, errValue("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return out, nil
}
