package local_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

const al2023Parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

func (w *world) ssm(c who) *ssm.Client { return ssm.NewFromConfig(w.config(c)) }

// The parameter has the image that a launch by it takes.
func TestParametersNameTheImagesThatLaunch(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ssm(w.admin()), t.Context()
	one, err := api.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(al2023Parameter)})
	noError(t, err)
	launched := w.run(func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("resolve:ssm:" + al2023Parameter) })
	if *one.Parameter.Value != *launched.ImageId || *one.Parameter.ARN != "arn:aws:ssm:us-east-1::parameter"+al2023Parameter {
		t.Errorf("the parameter is %+v, launched was %s", one.Parameter, *launched.ImageId)
	}
	_, err = api.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-gpu-x86_64")})
	wantCode(t, err, "ParameterNotFound")
	several, err := api.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/none", al2023Parameter}})
	noError(t, err)
	if len(several.Parameters) != 1 || *several.Parameters[0].Name != al2023Parameter || len(several.InvalidParameters) != 1 || several.InvalidParameters[0] != "/none" {
		t.Errorf("got %+v", several)
	}
	_, err = api.GetParameters(ctx, &ssm.GetParametersInput{Names: make([]string, 11)})
	wantCode(t, err, "ValidationException")
}

func TestParametersByPath(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ssm(w.admin()), t.Context()
	list := func(path string, recursive bool) (names []string) {
		t.Helper()
		pages := ssm.NewGetParametersByPathPaginator(api, &ssm.GetParametersByPathInput{Path: &path, Recursive: &recursive, MaxResults: aws.Int32(3)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			noError(t, err)
			for _, p := range page.Parameters {
				names = append(names, *p.Name)
			}
		}
		return names
	}
	if all := list("/aws/service", true); len(all) != 12 {
		t.Errorf("below /aws/service are %q", all)
	}
	if direct := list("/aws/service/", false); len(direct) != 0 {
		t.Errorf("directly in /aws/service are %q", direct)
	}
	if linux := list("/aws/service/ami-amazon-linux-latest", false); len(linux) != 2 {
		t.Errorf("of Amazon Linux there are %q", linux)
	}
	if part := list("/aws/service/ami-amazon", true); len(part) != 0 {
		t.Errorf("half a name is no path, and has %q", part)
	}
	_, err := api.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: aws.String("/aws"), NextToken: aws.String("bad")})
	wantCode(t, err, "InvalidNextToken")
}

func TestParametersNeedPermission(t *testing.T) {
	w := newWorld(t)
	reader := w.user("reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:*::parameter/aws/service/ami-amazon-linux-latest/*"}]}`)
	api, ctx := w.ssm(reader), t.Context()
	_, err := api.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{al2023Parameter}})
	noError(t, err)
	_, err = api.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{al2023Parameter, "/aws/service/debian/release/12/latest/amd64"}})
	wantCode(t, err, "AccessDeniedException")
	_, err = api.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(al2023Parameter)})
	wantCode(t, err, "AccessDeniedException")
	bad := reader
	bad.secret = "wrong"
	_, err = w.ssm(bad).GetParameters(ctx, &ssm.GetParametersInput{Names: []string{al2023Parameter}})
	wantCode(t, err, "InvalidSignatureException")
}
