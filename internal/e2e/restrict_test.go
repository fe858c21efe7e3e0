//go:build unix

package e2e_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/awserr"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// restrict makes a user of the script's local cloud who may do what a policy in
// a file says, another one each time, and puts the user's keys into the
// environment, where the AWS tools and our programs find them:
//
//	restrict policy.json
//
// "restrict user" takes the policies that we tell people to ask for.
func restrict(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: restrict user|<policy file>")
	}
	ctx, target := context.Background(), localTarget(ts, "us-east-1")
	client, name := iam.NewFromConfig(target.Config()), aws.String("restricted")
	who, err := account.Identify(ctx, account.STSOf(target))
	ts.Check(err)
	var policies []string
	if args[0] != "user" {
		policies = append(policies, ts.ReadFile(args[0]))
	} else {
		for _, p := range permissions.Policies() {
			policies = append(policies, p.Document("aws", who.Account).JSON())
		}
	}
	_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	for number := 2; awserr.IsAlreadyExists(err); number++ {
		name = aws.String(fmt.Sprintf("restricted-%d", number))
		_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	}
	ts.Check(err)
	for i, policy := range policies {
		made, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprintf("%s-%d", *name, i+1)), PolicyDocument: aws.String(policy)})
		ts.Check(err)
		_, err = client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: made.Policy.Arn})
		ts.Check(err)
	}
	out, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	ts.Check(err)
	ts.Setenv("AWS_ENDPOINT_URL", target.Endpoint)
	ts.Setenv("AWS_ACCESS_KEY_ID", aws.ToString(out.AccessKey.AccessKeyId))
	ts.Setenv("AWS_SECRET_ACCESS_KEY", aws.ToString(out.AccessKey.SecretAccessKey))
}
