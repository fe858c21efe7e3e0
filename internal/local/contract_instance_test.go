package local_test

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// attributeScene changes what can be changed of an instance.
func attributeScene() scene {
	return scene{name: "attributes", steps: []step{
		{name: "launch", do: launchOne("instance"), want: "1 instance"},
		{name: "it is not protected", do: describeAttribute("instance", "disableApiTermination"), want: "false"},
		{name: "protect it", do: modifyInstance("instance", func(in *ec2.ModifyInstanceAttributeInput) {
			in.DisableApiTermination = &types.AttributeBooleanValue{Value: aws.Bool(true)}
		}), want: "ok"},
		{name: "it is protected", do: describeAttribute("instance", "disableApiTermination"), want: "true"},
		{name: "terminate it", do: terminate("instance"), want: "OperationNotPermitted"},
		{name: "its user-data", do: describeAttribute("instance", "userData"), want: base64.StdEncoding.EncodeToString([]byte("#!/bin/sh"))},
		{name: "its shutdown behaviour", do: describeAttribute("instance", "instanceInitiatedShutdownBehavior"), want: "terminate"},
		{name: "an attribute that is none", do: describeAttribute("instance", "colour"), want: "InvalidParameterValue"},
		{name: "an attribute of no instance", do: named("none", "i-00000000000000000", describeAttribute("none", "userData")), want: "InvalidInstanceID.NotFound"},
		{name: "change its behaviour", do: modifyInstance("instance", func(in *ec2.ModifyInstanceAttributeInput) {
			in.InstanceInitiatedShutdownBehavior = text("stop")
		}), want: "ok"},
		{name: "its behaviour is changed", do: describeAttribute("instance", "instanceInitiatedShutdownBehavior"), want: "stop", moto: "terminate", why: "moto accepts the change and keeps what the launch said"},
		{
			name: "change its type while it is on", want: "IncorrectInstanceState", moto: "ok", why: "moto changes it in any state", do: modifyInstance("instance", func(in *ec2.ModifyInstanceAttributeInput) {
				in.InstanceType = text("t3.large")
			}),
		},
		{name: "unprotect it", do: modifyInstance("instance", func(in *ec2.ModifyInstanceAttributeInput) {
			in.DisableApiTermination = &types.AttributeBooleanValue{Value: aws.Bool(false)}
		}), want: "ok"},
		{name: "reboot no instance", do: reboot("none"), want: "InvalidInstanceID.NotFound"},
		{name: "terminate it", do: terminate("instance"), want: "ok"},
	}}
}

func launchOne(name string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.RunInstancesInput, ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error) {
		return c.RunInstances
	}, func(*stage) *ec2.RunInstancesInput {
		return &ec2.RunInstancesInput{
			ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			InstanceInitiatedShutdownBehavior: "terminate", UserData: aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh"))),
		}
	}, func(s *stage, out *ec2.RunInstancesOutput) string {
		s.ids[name] = *out.Instances[0].InstanceId
		return fmt.Sprintf("%d instance", len(out.Instances))
	})
}

func describeAttribute(instance string, attribute types.InstanceAttributeName) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.DescribeInstanceAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceAttributeOutput, error) {
		return c.DescribeInstanceAttribute
	}, func(s *stage) *ec2.DescribeInstanceAttributeInput {
		return &ec2.DescribeInstanceAttributeInput{InstanceId: s.id(instance), Attribute: attribute}
	}, func(_ *stage, out *ec2.DescribeInstanceAttributeOutput) string {
		switch {
		case out.DisableApiTermination != nil:
			return fmt.Sprint(*out.DisableApiTermination.Value)
		case out.UserData != nil:
			return aws.ToString(out.UserData.Value)
		case out.InstanceInitiatedShutdownBehavior != nil:
			return aws.ToString(out.InstanceInitiatedShutdownBehavior.Value)
		}
		return "nothing"
	})
}

func modifyInstance(instance string, edit func(*ec2.ModifyInstanceAttributeInput)) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.ModifyInstanceAttributeInput, ...func(*ec2.Options)) (*ec2.ModifyInstanceAttributeOutput, error) {
		return c.ModifyInstanceAttribute
	}, func(s *stage) *ec2.ModifyInstanceAttributeInput {
		in := &ec2.ModifyInstanceAttributeInput{InstanceId: s.id(instance)}
		edit(in)
		return in
	})
}

func terminate(instance string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error) {
		return c.TerminateInstances
	}, func(s *stage) *ec2.TerminateInstancesInput {
		return &ec2.TerminateInstancesInput{InstanceIds: []string{s.ids[instance]}}
	})
}

func reboot(instance string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.RebootInstancesInput, ...func(*ec2.Options)) (*ec2.RebootInstancesOutput, error) {
		return c.RebootInstances
	}, func(s *stage) *ec2.RebootInstancesInput {
		return &ec2.RebootInstancesInput{InstanceIds: []string{s.ids[instance]}}
	})
}
