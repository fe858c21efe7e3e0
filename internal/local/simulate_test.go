package local_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const (
	launcherPolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":["ec2:RunInstances","ec2:Describe*","s3:*"],"Resource":"*"},
 {"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"aws:ResourceTag/x:owner":"${aws:username}"}}},
 {"Effect":"Deny","Action":"s3:Delete*","Resource":"arn:aws:s3:::kept/*"}]}`
	launcherARN = "arn:aws:iam::123456789012:user/launcher"
	anInstance  = "arn:aws:ec2:us-east-1:123456789012:instance/i-1"
)

// entries are context entries: names and values by turns.
func entries(pairs ...string) []iamtypes.ContextEntry {
	var out []iamtypes.ContextEntry
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, iamtypes.ContextEntry{ContextKeyName: &pairs[i], ContextKeyType: iamtypes.ContextKeyTypeEnumStringList, ContextKeyValues: strings.Split(pairs[i+1], "|")})
	}
	return out
}

func TestSimulationDecidesAsTheCloudDoes(t *testing.T) {
	w := newWorld(t)
	w.user("launcher", launcherPolicy)
	mine := entries("aws:username", "launcher", "aws:ResourceTag/x:owner", "launcher")
	for name, c := range map[string]struct {
		action    string
		resources []string
		context   []iamtypes.ContextEntry
		want      string // the decision, those by resource, the statements' lines, what is missing
	}{
		"allowed":             {"ec2:RunInstances", nil, mine, "allowed [] [2] []"},
		"not allowed":         {"iam:CreateRole", nil, mine, "implicitDeny [] [] []"},
		"keys are missing":    {"ec2:RunInstances", nil, nil, "allowed [] [2] [aws:ResourceTag/x:owner aws:username]"},
		"condition holds":     {"ec2:TerminateInstances", []string{anInstance}, mine, "allowed [allowed] [3] []"},
		"condition unknown":   {"ec2:TerminateInstances", []string{anInstance}, entries("aws:username", "launcher"), "implicitDeny [implicitDeny] [] [aws:ResourceTag/x:owner]"},
		"condition, no ARN":   {"ec2:TerminateInstances", nil, mine, "implicitDeny [] [] []"},
		"denied":              {"s3:DeleteObject", []string{"arn:aws:s3:::kept/k"}, mine, "explicitDeny [explicitDeny] [4] []"},
		"one of two":          {"s3:DeleteObject", []string{"arn:aws:s3:::other/k", "arn:aws:s3:::kept/k"}, mine, "explicitDeny [allowed explicitDeny] [2 4] []"},
		"the case of actions": {"S3:getobject", []string{"arn:aws:s3:::kept/k"}, mine, "allowed [allowed] [2] []"},
	} {
		out, err := w.iam(w.admin()).SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String(launcherARN), ActionNames: []string{c.action}, ResourceArns: c.resources, ContextEntries: c.context,
		})
		noError(t, err)
		if len(out.EvaluationResults) != 1 || *out.EvaluationResults[0].EvalActionName != c.action || out.IsTruncated {
			t.Fatalf("%s: %+v", name, out)
		}
		r := out.EvaluationResults[0]
		var byResource, lines []string
		for i, one := range r.ResourceSpecificResults {
			byResource = append(byResource, string(one.EvalResourceDecision))
			if *one.EvalResourceName != c.resources[i] || fmt.Sprint(one.MissingContextValues) != fmt.Sprint(r.MissingContextValues) {
				t.Errorf("%s: the resource is %+v", name, one)
			}
		}
		for _, m := range r.MatchedStatements {
			lines = append(lines, fmt.Sprint(m.StartPosition.Line))
			if *m.SourcePolicyId != "user_launcher_p" {
				t.Errorf("%s: a statement is from %s", name, *m.SourcePolicyId)
			}
		}
		if got := fmt.Sprint(r.EvalDecision, " ", byResource, " ", lines, " ", r.MissingContextValues); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What the simulation of a role says is what its instance then meets.
func TestSimulationOfAnAgentsRole(t *testing.T) {
	w := newWorld(t)
	w.role("agent", agentPolicy)
	launch := func() string {
		id := *w.run(func(in *ec2.RunInstancesInput) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("agent")}
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("x:managed"), Value: aws.String("true")}}}}
		}).InstanceId
		w.await(id, types.InstanceStateNameRunning)
		return id
	}
	me, other := launch(), launch()
	arn := func(id string) string { return "arn:aws:ec2:us-east-1:123456789012:instance/" + id }
	api := w.ec2(w.inside(me))
	for target, want := range map[string]string{other: "implicitDeny", me: "allowed"} {
		out, err := w.iam(w.admin()).SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String("arn:aws:iam::123456789012:role/agent"), ActionNames: []string{"ec2:TerminateInstances"}, ResourceArns: []string{arn(target)},
			ContextEntries: entries("ec2:SourceInstanceARN", arn(me), "ec2:InstanceId", target, "ec2:ResourceTag/x:managed", "true"),
		})
		noError(t, err)
		if r := out.EvaluationResults[0]; string(r.EvalDecision) != want || fmt.Sprint(r.MissingContextValues) != "[aws:TagKeys]" {
			t.Errorf("simulated: %s, without %s", r.EvalDecision, r.MissingContextValues)
		}
	}
	_, err := api.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{other}})
	wantCode(t, err, "UnauthorizedOperation")
	_, err = api.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{me}})
	noError(t, err)
}

func TestSimulationComesInPages(t *testing.T) {
	w := newWorld(t)
	w.user("launcher", launcherPolicy)
	actions := []string{"s3:ListBucket", "ec2:RunInstances", "ec2:DescribeVpcs", "iam:GetRole", "ec2:StopInstances"}
	pages := iam.NewSimulatePrincipalPolicyPaginator(w.iam(w.admin()), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(launcherARN), ActionNames: actions, MaxItems: aws.Int32(2),
	})
	var got []string
	count := 0
	for ; pages.HasMorePages(); count++ {
		page, err := pages.NextPage(t.Context())
		noError(t, err)
		for _, r := range page.EvaluationResults {
			got = append(got, *r.EvalActionName)
		}
	}
	if strings.Join(got, " ") != strings.Join(actions, " ") || count != 3 {
		t.Errorf("%d pages with %s", count, got)
	}
}

func TestSimulationRefuses(t *testing.T) {
	w := newWorld(t)
	w.user("launcher", launcherPolicy)
	asking := w.user("asking", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:SimulatePrincipalPolicy","Resource":"arn:aws:iam::*:user/asking"}}`)
	for name, c := range map[string]struct {
		as   who
		edit func(*iam.SimulatePrincipalPolicyInput)
		code string
	}{
		"assumed role": {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) {
			in.PolicySourceArn = aws.String("arn:aws:sts::123456789012:assumed-role/agent/i-1")
		}, "InvalidInput"},
		"another account": {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) {
			in.PolicySourceArn = aws.String("arn:aws:iam::999999999999:user/launcher")
		}, "InvalidInput"},
		"no such user": {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) {
			in.PolicySourceArn = aws.String("arn:aws:iam::123456789012:user/none")
		}, "NoSuchEntity"},
		"role of another path": {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) {
			in.PolicySourceArn = aws.String("arn:aws:iam::123456789012:role/path/launcher")
		}, "NoSuchEntity"},
		"not permitted":    {asking, func(*iam.SimulatePrincipalPolicyInput) {}, "AccessDenied"},
		"a wildcard":       {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) { in.ActionNames = []string{"ec2:*"} }, "InvalidInput"},
		"no service":       {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) { in.ActionNames = []string{"RunInstances"} }, "InvalidInput"},
		"no action":        {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) { in.ActionNames = []string{} }, "ValidationError"},
		"resource, no ARN": {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) { in.ResourceArns = []string{"i-1"} }, "InvalidInput"},
		"two values of one": {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) {
			in.ContextEntries = entries("aws:username", "a|b")
			in.ContextEntries[0].ContextKeyType = iamtypes.ContextKeyTypeEnumString
		}, "InvalidInput"},
		"further policies": {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) { in.PolicyInputList = []string{launcherPolicy} }, "InvalidInput"},
		"page of none":     {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) { in.MaxItems = aws.Int32(0) }, "ValidationError"},
		"marker":           {w.admin(), func(in *iam.SimulatePrincipalPolicyInput) { in.Marker = aws.String("x") }, "ValidationError"},
	} {
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(launcherARN), ActionNames: []string{"ec2:RunInstances"}}
		c.edit(in)
		_, err := w.iam(c.as).SimulatePrincipalPolicy(t.Context(), in)
		if got := codeOf(err); got != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	_, err := w.iam(asking).SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String("arn:aws:iam::123456789012:user/asking"), ActionNames: []string{"ec2:RunInstances"},
	})
	noError(t, err)
}
