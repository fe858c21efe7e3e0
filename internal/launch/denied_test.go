package launch_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// without is a cloud as a user sees it who may do everything but some actions.
func without(t *testing.T, c cloudtest.Cloud, actions ...string) cloudtest.Cloud {
	t.Helper()
	client, name := account.IAMOf(c.Target), aws.String("u"+strings.NewReplacer(":", "-", "*", "all").Replace(actions[0]))
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": ["%s"], "Resource": "*"}]}`, strings.Join(actions, `", "`))
	if _, err := client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: aws.String(policy)}); err != nil {
		t.Fatal(err)
	}
	key, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	target, err := awsx.Connect(t.Context(), awsx.Options{Local: &awsx.Local{
		Endpoint: c.Target.Endpoint, AccessKeyID: aws.ToString(key.AccessKey.AccessKeyId), SecretAccessKey: aws.ToString(key.AccessKey.SecretAccessKey),
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.Target = target
	return c
}

// needed are the permissions that a cold launch of the plan was checked for.
func needed(t *testing.T) []string {
	t.Helper()
	c := cloudtest.Local(t, nil)
	if _, err := launcher(t, c).Launch(t.Context(), plan(t)); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, call := range c.Local.Tape().Calls(0) {
		for _, need := range call.Needs {
			all[need.Action] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// A launch that lacks one permission goes on without what it is for and says
// so, or ends with nothing left and an error that names it.
func TestEachPermissionMissing(t *testing.T) {
	for _, action := range needed(t) {
		t.Run(action, func(t *testing.T) {
			admin := cloudtest.Local(t, nil)
			c := without(t, admin, action)
			l := launcher(t, c)
			var told []string
			l.Events = func(e launch.Event) {
				switch e := e.(type) {
				case launch.Lacking:
					told = append(told, e.What, e.Permission)
				case launch.Noted:
					told = append(told, e.Text)
				}
			}
			res, err := l.Launch(context.WithoutCancel(t.Context()), plan(t))
			if err == nil {
				if len(instances(t, admin)) != 1 || len(res.Members) != 1 {
					t.Errorf("it succeeded with %d instances", len(instances(t, admin)))
				}
				t.Logf("goes on, and says: %q", told)
				return
			}
			if text := awsx.Explain(err); problem.KindOf(text) != problem.Denied || !strings.Contains(text.Error()+problem.NextOf(text)+fmt.Sprint(told), strings.TrimPrefix(action, "ec2:")) {
				t.Errorf("kind %d, and the action is not named: %v; next: %s", problem.KindOf(text), text, problem.NextOf(text))
			}
			if action == "ec2:DescribeInstances" {
				return // who cannot see when the instance is gone cannot delete its group; the error says what is left
			}
			wantNothingLeft(t, admin)
		})
	}
}
