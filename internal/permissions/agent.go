// Package permissions holds the IAM documents that spawn needs, as data: what
// the role of an instance's agent may do, what the role of the cloud's schedules
// may, and what the person who runs spawn must be allowed, capability by
// capability. It renders and makes no calls.
package permissions

import (
	"encoding/json"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// AgentRole is the name of the role, and of the instance profile that carries
// it, under which spored runs. One serves all of an account's instances.
const AgentRole = "spored-instance-role"

// AgentPolicy is the name of the role's one inline policy.
const AgentPolicy = "spored"

// Document is an IAM policy document.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type Document struct {
	Version   string
	Statement []Statement
}

// Statement is one statement of a Document. Condition maps an operator to keys
// and their values.
type Statement struct {
	Sid       string                         `json:",omitempty"`
	Effect    string                         `json:",omitempty"`
	Principal map[string]string              `json:",omitempty"`
	Action    []string                       `json:",omitempty"`
	Resource  []string                       `json:",omitempty"`
	Condition map[string]map[string][]string `json:",omitempty"`
}

const version = "2012-10-17"

// JSON is the document as IAM takes it.
func (d Document) JSON() string {
	b, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("a policy document cannot be encoded: %v", err)) // it holds only strings
	}
	return string(b)
}

// AgentTrust lets EC2 hand the role to instances, and nobody else. EC2's
// service principal has the same name in every partition.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
func AgentTrust() Document {
	return Document{Version: version, Statement: []Statement{{
		Effect:    "Allow",
		Principal: map[string]string{"Service": "ec2.amazonaws.com"},
		Action:    []string{"sts:AssumeRole"},
	}}}
}

// Agent is what spored may do: end, stop or hibernate the very instance that it
// runs on, cancel the Spot request that this came from, write its status tag,
// read tags, and fetch its own program. An instance can reach no other, managed or not:
// the source of the call must be the resource. A Spot request does not know its
// instance in a condition key, so it bears a tag that names it, which the role
// may not write.
//
// One thing it may do beyond its own instance: ask which tags there are, of
// everything in the account. DescribeTags knows no resources and no condition
// that could name the asker. spored asks it only where metadata does not show
// the tags of now (they are switched off, or the instance is on Xen), and only
// about itself; without it such an instance would never learn that it was
// extended. So no secret belongs in a tag, which is what AWS says, too.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-DescribeTags
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
//
// The self-only condition has the shape of AWS's managed policy for VSS
// snapshots; that Terminate, Stop and CancelSpotInstanceRequests honour it is
// unproven on real AWS.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-policy-keys
func Agent(partition, account string) Document {
	itself := map[string]map[string][]string{
		"StringEquals": {"ec2:ResourceTag/" + lifecycle.TagManaged: {"true"}},
		"ArnLike":      {"ec2:SourceInstanceARN": {fmt.Sprintf("arn:%s:ec2:*:*:instance/${ec2:InstanceId}", partition)}},
	}
	onlyStatus := map[string]map[string][]string{
		"ArnLike":                   itself["ArnLike"],
		"StringEquals":              itself["StringEquals"],
		"ForAllValues:StringEquals": {"aws:TagKeys": {lifecycle.TagStatus}},
		"StringLike":                {"aws:RequestTag/" + lifecycle.TagStatus: {"*"}},
	}
	itsRequest := map[string]map[string][]string{"StringEquals": {
		"aws:ResourceTag/" + lifecycle.TagManaged:  {"true"},
		"aws:ResourceTag/" + lifecycle.TagInstance: {"${ec2:SourceInstanceARN}"},
	}}
	requests := []string{fmt.Sprintf("arn:%s:ec2:*:%s:spot-instances-request/*", partition, account)}
	instances := []string{fmt.Sprintf("arn:%s:ec2:*:%s:instance/*", partition, account)}
	return Document{Version: version, Statement: []Statement{
		{Sid: "EndItself", Effect: "Allow", Action: []string{"ec2:TerminateInstances", "ec2:StopInstances"}, Resource: instances, Condition: itself},
		{Sid: "EndItsSpotRequest", Effect: "Allow", Action: []string{"ec2:CancelSpotInstanceRequests"}, Resource: requests, Condition: itsRequest},
		{Sid: "TellItsStatus", Effect: "Allow", Action: []string{"ec2:CreateTags"}, Resource: instances, Condition: onlyStatus},
		{Sid: "ReadTags", Effect: "Allow", Action: []string{"ec2:DescribeTags"}, Resource: []string{"*"}},
		{Sid: "FetchItsProgram", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: []string{fmt.Sprintf("arn:%s:s3:::%s-*/*", partition, BucketPrefix(account))}},
	}}
}

// BucketPrefix begins the names of the account's buckets for spored.
func BucketPrefix(account string) string { return "spored-" + account }

// Partition is the AWS partition of a region, by its prefix.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func Partition(region string) string {
	for prefix, partition := range map[string]string{"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b", "us-isof-": "aws-iso-f", "eu-isoe-": "aws-iso-e", "eusc-": "aws-eusc"} {
		if len(region) > len(prefix) && region[:len(prefix)] == prefix {
			return partition
		}
	}
	return "aws"
}
