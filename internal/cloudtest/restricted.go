package cloudtest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/spawn-ec2/spawn/internal/awsx"
)

// As is a connection to a cloud as somebody new, who may do what a policy says.
func As(t *testing.T, c Cloud, policy string) *awsx.Target {
	t.Helper()
	client, name := iam.NewFromConfig(c.Target.Config()), aws.String("restricted")
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: aws.String(policy)}); err != nil {
		t.Fatal(err)
	}
	out, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, awsx.Local{Endpoint: c.Target.Endpoint, AccessKeyID: aws.ToString(out.AccessKey.AccessKeyId), SecretAccessKey: aws.ToString(out.AccessKey.SecretAccessKey)})
}
