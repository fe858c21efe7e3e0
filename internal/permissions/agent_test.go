package permissions_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/permissions"
)

func TestAgentMayActOnItselfOnly(t *testing.T) {
	doc := permissions.Agent("aws-cn", "123456789012")
	for _, s := range doc.Statement {
		if !strings.HasPrefix(s.Action[0], "ec2:") {
			continue
		}
		if slices.Equal(s.Action, []string{"ec2:DescribeTags"}) { // reads, and knows neither resources nor conditions
			continue
		}
		if slices.Contains(s.Resource, "*") {
			t.Errorf("%s is about everything", s.Sid)
		}
		if s.Sid == "EndItsSpotRequest" {
			if tag := s.Condition["StringEquals"]["aws:ResourceTag/spawn:instance"]; !slices.Equal(tag, []string{"${ec2:SourceInstanceARN}"}) {
				t.Errorf("%s is not limited to the instance's own request: %v", s.Sid, tag)
			}
			continue
		}
		self := s.Condition["ArnLike"]["ec2:SourceInstanceARN"]
		if !slices.Equal(self, []string{"arn:aws-cn:ec2:*:*:instance/${ec2:InstanceId}"}) {
			t.Errorf("%s is not limited to the instance itself: %v", s.Sid, self)
		}
	}
	if strings.Contains(doc.JSON(), `"Action":["*"`) {
		t.Error("a wildcard for everything")
	}
}

func TestDocumentsAreJSONWithoutEmptyFields(t *testing.T) {
	for _, doc := range []permissions.Document{permissions.AgentTrust(), permissions.Agent("aws", "123456789012")} {
		var back map[string]any
		if err := json.Unmarshal([]byte(doc.JSON()), &back); err != nil || back["Version"] != "2012-10-17" {
			t.Errorf("%v in %s", err, doc.JSON())
		}
		if strings.Contains(doc.JSON(), "null") {
			t.Errorf("null in %s", doc.JSON())
		}
	}
}

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{"us-east-1": "aws", "eu-west-3": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b"} {
		if got := permissions.Partition(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
