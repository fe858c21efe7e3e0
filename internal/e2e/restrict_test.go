//go:build unix

package e2e_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/rogpeppe/go-internal/testscript"
)

// restrict makes a user of the script's local cloud who may do what a policy in
// a file says, and puts the user's keys into the environment, where the AWS
// tools and our programs find them:
//
//	restrict policy.json
func restrict(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: restrict <policy file>")
	}
	ctx, target := context.Background(), localTarget(ts, "us-east-1")
	client, name := iam.NewFromConfig(target.Config()), aws.String("restricted")
	_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	ts.Check(err)
	_, err = client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: aws.String(ts.ReadFile(args[0]))})
	ts.Check(err)
	out, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	ts.Check(err)
	ts.Setenv("AWS_ENDPOINT_URL", target.Endpoint)
	ts.Setenv("AWS_ACCESS_KEY_ID", aws.ToString(out.AccessKey.AccessKeyId))
	ts.Setenv("AWS_SECRET_ACCESS_KEY", aws.ToString(out.AccessKey.SecretAccessKey))
}
