package permissions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/permissions"
)

// TestNothingIsAllowedOnEverythingThatCanBeLimited: only what reads, and has no
// resource to be limited to, is allowed on "*".
func TestNothingIsAllowedOnEverythingThatCanBeLimited(t *testing.T) {
	for _, s := range permissions.User("aws-cn", "123456789012").Statement {
		for _, action := range s.Action {
			_, name, _ := strings.Cut(action, ":")
			reads := strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
			if slices.Contains(s.Resource, "*") && !reads || strings.Contains(action, "*") {
				t.Errorf("%s: %s on %v", s.Sid, action, s.Resource)
			}
		}
		for _, arn := range s.Resource {
			if arn != "*" && !strings.HasPrefix(arn, "arn:aws-cn:") {
				t.Errorf("%s: %s is in another partition", s.Sid, arn)
			}
		}
	}
}

// TestWhatIsChangedBearsOurTag: whatever EC2 can condition on a tag is.
func TestWhatIsChangedBearsOurTag(t *testing.T) {
	free := map[string]bool{
		"LaunchWith": true, "MakeSecurityGroupIn": true, // they use what is there, and change nothing
		"LeadToTheInternet": true, // the main route table of a VPC has no tag
	}
	for _, s := range permissions.User("aws", "123456789012").Statement {
		if !strings.HasPrefix(s.Action[0], "ec2:") || strings.Contains(s.Action[0], ":Describe") || free[s.Sid] {
			continue
		}
		equal := s.Condition["StringEquals"]
		if !slices.Equal(equal["aws:RequestTag/spawn:managed"], []string{"true"}) && !slices.Equal(equal["aws:ResourceTag/spawn:managed"], []string{"true"}) {
			t.Errorf("%s: %v under %v", s.Sid, s.Action, s.Condition)
		}
	}
}

func TestARoleIsPassedToItsServiceAlone(t *testing.T) {
	want := map[string]string{permissions.AgentRole: "ec2.amazonaws.com", permissions.SchedulerRole: "scheduler.amazonaws.com"}
	got := map[string]string{}
	for _, s := range permissions.User("aws", "123456789012").Statement {
		if !slices.Contains(s.Action, "iam:PassRole") {
			continue
		}
		for _, equal := range s.Condition {
			for _, arn := range s.Resource {
				_, name, _ := strings.Cut(arn, ":role/")
				got[name] = strings.Join(equal["iam:PassedToService"], " ")
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("passed are %v, want %v", got, want)
	}
}

func TestSidsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range permissions.User("aws", "123456789012").Statement {
		if seen[s.Sid] || s.Sid == "" || strings.Trim(s.Sid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Errorf("the Sid %q", s.Sid)
		}
		seen[s.Sid] = true
	}
}

// TestThePoliciesFitIAM: a managed policy has 6,144 characters at most, not
// counting white space.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func TestThePoliciesFitIAM(t *testing.T) {
	for _, p := range permissions.Policies() {
		if n := len(p.Document("aws-us-gov", "123456789012").JSON()); n > 6144 {
			t.Errorf("%s has %d characters", p.Name, n)
		}
	}
}

// TestThePoliciesAreTheUsers: nothing that the user needs is in no policy.
func TestThePoliciesAreTheUsers(t *testing.T) {
	var all []permissions.Capability
	for _, p := range permissions.Policies() {
		all = append(all, p.Capabilities...)
	}
	if !slices.Equal(all, permissions.Capabilities()) {
		t.Errorf("the policies have %q", all)
	}
}

func TestEachCapabilityCanBeAskedFor(t *testing.T) {
	whole := permissions.User("aws", "123456789012").JSON()
	for _, c := range permissions.Capabilities() {
		ask := permissions.Ask(c, "aws", "123456789012")
		if !strings.HasPrefix(ask, `{"Version":"2012-10-17","Statement":[{`) || strings.Contains(ask, "\n") {
			t.Errorf("%s: %s", c, ask)
		}
		for _, s := range permissions.For(c, "aws", "123456789012").Statement {
			if !strings.Contains(whole, `"`+s.Sid+`"`) {
				t.Errorf("%s: %s is not in the user's policy", c, s.Sid)
			}
		}
	}
}
