//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// own are the scripts that choose by themselves who acts in them, because
// permissions are what they are about, or whether there is a cloud.
var own = map[string]bool{
	"bad-input": true, "doctor": true, "uninstall": true,
	"cloud-layer-denied": true, "extend-denied": true, "launch-image-denied": true, "launch-image-user": true,
	"launch-lesser-rights": true, "truffle-denied": true, "user-policy": true, "user-policy-network": true,
	"cleanup": true, "cleanup-everything": true, "cleanup-regions": true, "janitor": true, "janitor-network": true, "completion": true, "local": true,
}

// documented has a script act in its local cloud as the user of
// docs/iam-permissions.md, where spawn launches or manages something in it. The
// scripts of truffle start the cloud when they need it, and say so there.
func documented(env *testscript.Env) error {
	name := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	text, err := os.ReadFile(filepath.Join("testdata/script", name+".txtar"))
	if err != nil {
		return err
	}
	used := strings.Contains(string(text), "--local") || strings.Contains(string(text), "SPAWN_LOCAL") || strings.Contains(string(text), "spawn local up")
	if own[name] || !used || strings.HasPrefix(name, "truffle-") {
		return nil
	}
	up := exec.Command(programs+"/spawn", "local", "up")
	up.Env = env.Vars
	if out, err := up.CombinedOutput(); err != nil {
		return fmt.Errorf("spawn local up: %w: %s", err, out)
	}
	target, err := cloudOf(env.WorkDir, awsx.DefaultRegion)
	if err != nil {
		return err
	}
	key, err := addUser(target, documentedPolicies)
	if err != nil {
		return err
	}
	env.Setenv("SPAWN_LOCAL_ACCESS_KEY_ID", key.id)
	env.Setenv("SPAWN_LOCAL_SECRET_ACCESS_KEY", key.secret)
	return nil
}

// restrict has the script act in its local cloud as a user who may do what a
// policy in a file says, another one each time: their keys are in the
// environment, where the AWS tools and our programs find them.
//
//	restrict policy.json
//
// "restrict user" takes the policies that we tell people to ask for.
func restrict(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: restrict user|<policy file>")
	}
	target, policies := localTarget(ts, awsx.DefaultRegion), documentedPolicies
	if args[0] != "user" {
		policy := ts.ReadFile(args[0])
		policies = func(string) []string { return []string{policy} }
	}
	key, err := addUser(target, policies)
	ts.Check(err)
	ts.Setenv("AWS_ENDPOINT_URL", target.Endpoint)
	ts.Setenv("AWS_ACCESS_KEY_ID", key.id)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", key.secret)
	ts.Setenv("SPAWN_LOCAL_ACCESS_KEY_ID", key.id)
	ts.Setenv("SPAWN_LOCAL_SECRET_ACCESS_KEY", key.secret)
}

func documentedPolicies(account string) (all []string) {
	for _, p := range permissions.Policies() {
		all = append(all, p.Document("aws", account).JSON())
	}
	return all
}

type accessKey struct{ id, secret string }

// addUser makes a user with managed policies, as docs/iam-permissions.md says.
func addUser(target *awsx.Target, policies func(account string) []string) (key accessKey, err error) {
	ctx, client, name := context.Background(), iam.NewFromConfig(target.Config()), aws.String("restricted")
	who, err := account.Identify(ctx, account.STSOf(target))
	if err != nil {
		return key, err
	}
	_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	for number := 2; awserr.IsAlreadyExists(err); number++ {
		name = aws.String(fmt.Sprintf("restricted-%d", number))
		_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	}
	if err != nil {
		return key, err
	}
	for i, policy := range policies(who.Account) {
		made, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprintf("%s-%d", *name, i+1)), PolicyDocument: aws.String(policy)})
		if err != nil {
			return key, err
		}
		if _, err := client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: made.Policy.Arn}); err != nil {
			return key, err
		}
	}
	out, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		return key, err
	}
	return accessKey{aws.ToString(out.AccessKey.AccessKeyId), aws.ToString(out.AccessKey.SecretAccessKey)}, nil
}
