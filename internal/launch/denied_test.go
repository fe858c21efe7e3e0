package launch_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// without is a cloud as a user sees it who may do everything but an action.
func without(t *testing.T, c cloudtest.Cloud, action string) cloudtest.Cloud {
	t.Helper()
	c.Target = cloudtest.As(t, c, fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "%s", "Resource": "*"}]}`, action))
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
