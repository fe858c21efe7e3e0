package local_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// user makes an IAM user with a policy and returns its credentials.
func (w *world) user(name, policy string) who {
	w.t.Helper()
	api := w.iam(w.admin())
	_, err := api.CreateUser(w.t.Context(), &iam.CreateUserInput{UserName: &name})
	noError(w.t, err)
	if policy != "" {
		_, err = api.PutUserPolicy(w.t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
		noError(w.t, err)
	}
	key, err := api.CreateAccessKey(w.t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	noError(w.t, err)
	return who{*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "", region}
}

const ec2Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// role makes a role that EC2 may assume, with a policy, in a profile of the
// same name.
func (w *world) role(name, policy string) {
	w.t.Helper()
	api, ctx := w.iam(w.admin()), w.t.Context()
	_, err := api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(ec2Trust)})
	noError(w.t, err)
	_, err = api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
	noError(w.t, err)
	_, err = api.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: &name})
	noError(w.t, err)
	_, err = api.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &name, RoleName: &name})
	noError(w.t, err)
}

// inside are the credentials that an instance finds in its metadata.
func (w *world) inside(id string) who {
	w.t.Helper()
	m := w.machines.get(id)
	_, role := m.ask(w.t, "/latest/meta-data/iam/security-credentials/")
	code, text := m.ask(w.t, "/latest/meta-data/iam/security-credentials/"+role)
	var c struct{ AccessKeyID, SecretAccessKey, Token string }
	if err := json.Unmarshal([]byte(text), &c); err != nil || code != http.StatusOK {
		w.t.Fatalf("no credentials: %d %s", code, text)
	}
	return who{c.AccessKeyID, c.SecretAccessKey, c.Token, region}
}

const agentPolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{
   "StringEquals":{"ec2:ResourceTag/x:managed":"true"},
   "ArnLike":{"ec2:SourceInstanceARN":"arn:aws:ec2:*:*:instance/${ec2:InstanceId}"}}},
 {"Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{
   "ForAllValues:StringEquals":{"aws:TagKeys":["x:status"]},
   "ArnLike":{"ec2:SourceInstanceARN":"arn:aws:ec2:*:*:instance/${ec2:InstanceId}"}}},
 {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::agents/x/*"}]}`

// An instance can end itself and tag itself with one key, and neither with any
// other instance.
func TestAnInstanceIsConfinedToItself(t *testing.T) {
	w := newWorld(t)
	w.role("agent", agentPolicy)
	launch := func(managed string) string {
		id := *w.run(func(in *ec2.RunInstancesInput) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("agent")}
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("x:managed"), Value: &managed}}}}
		}).InstanceId
		w.await(id, types.InstanceStateNameRunning)
		return id
	}
	me, other, unmanaged := launch("true"), launch("true"), launch("false")
	self := w.inside(me)
	ctx, api := t.Context(), w.ec2(self)

	identity, err := w.sts(self).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	noError(t, err)
	if want := "arn:aws:sts::123456789012:assumed-role/agent/" + me; *identity.Arn != want {
		t.Errorf("it is %s, want %s", *identity.Arn, want)
	}

	tag := func(id, key string) error {
		_, err := api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: &key, Value: aws.String("v")}}})
		return err
	}
	noError(t, tag(me, "x:status"))
	wantCode(t, tag(me, "x:deadline"), "UnauthorizedOperation")
	wantCode(t, tag(other, "x:status"), "UnauthorizedOperation")

	end := func(api *ec2.Client, ids ...string) error {
		_, err := api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
		return err
	}
	wantCode(t, end(api, other), "UnauthorizedOperation")
	wantCode(t, end(api, me, other), "UnauthorizedOperation")
	wantCode(t, end(w.ec2(w.inside(unmanaged)), unmanaged), "UnauthorizedOperation")
	_, err = api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	wantCode(t, err, "UnauthorizedOperation")
	_, err = w.s3(self).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("agents"), Key: aws.String("y/z")})
	wantCode(t, err, "NoSuchBucket")

	stolen := self
	stolen.token = ""
	wantCode(t, end(w.ec2(stolen), me), "AuthFailure")

	noError(t, end(api, me))
	w.await(me, types.InstanceStateNameTerminated)
	if s := w.describe(other).State.Name; s != types.InstanceStateNameRunning {
		t.Errorf("the other is %s", s)
	}
}

func TestInstanceCredentialsRotateAndExpire(t *testing.T) {
	w := newWorld(t)
	w.role("agent", agentPolicy)
	id := *w.run(func(in *ec2.RunInstancesInput) {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Arn: aws.String("arn:aws:iam::123456789012:instance-profile/agent")}
	}).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	first := w.inside(id)
	if again := w.inside(id); again != first {
		t.Error("credentials changed within a moment")
	}
	noError(t, w.clock.Advance(2*time.Hour))
	if second := w.inside(id); second == first {
		t.Error("credentials did not change in two hours")
	}
	_, err := w.sts(first).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	noError(t, err)
	noError(t, w.clock.Advance(5*time.Hour))
	_, err = w.sts(first).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "ExpiredToken")
	_, err = w.ec2(first).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "RequestExpired")
}

func TestLaunchNeedsEveryPermission(t *testing.T) {
	w := newWorld(t)
	w.role("agent", agentPolicy)
	all := map[string]string{
		"run":  `{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}`,
		"tag":  `{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*","Condition":{"StringEquals":{"ec2:CreateAction":"RunInstances"}}}`,
		"pass": `{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/agent","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}`,
		"ssm":  `{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:*::parameter/aws/service/*"}`,
	}
	launch := func(c who) error {
		_, err := w.ec2(c).RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("agent")},
			TagSpecifications:  []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("n")}}}},
		})
		return err
	}
	document := func(without string) string {
		var statements []string
		for name, s := range all {
			if name != without {
				statements = append(statements, s)
			}
		}
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	for missing := range all {
		err := launch(w.user("without-"+missing, document(missing)))
		wantCode(t, err, "UnauthorizedOperation")
	}
	noError(t, launch(w.user("complete", document(""))))
	other := w.user("nobody", "")
	_, err := w.iam(other).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("agent")})
	wantCode(t, err, "AccessDenied")
	_, err = w.sts(other).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	noError(t, err)
}

func TestSignatures(t *testing.T) {
	w := newWorld(t)
	bad := w.admin()
	bad.secret = "wrong"
	_, err := w.ec2(bad).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "AuthFailure")
	_, err = w.sts(bad).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "SignatureDoesNotMatch")
	_, err = w.s3(bad).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bucket")})
	wantCode(t, err, "SignatureDoesNotMatch")
	unknown := who{"AKIAIOSFODNN7EXAMPLE", "x", "", region}
	_, err = w.sts(unknown).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId")
	_, err = w.s3(unknown).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bucket")})
	wantCode(t, err, "InvalidAccessKeyId")
	session := w.admin()
	session.token = "of-nobody"
	_, err = w.sts(session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId")
}

// signed is a Query request signed at a time, with a body's hash that may be of
// another body.
func (w *world) signed(service string, body, hashed string, at time.Time) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/", strings.NewReader(body))
	noError(w.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.signAs(r, sha256Hex(hashed), service, at)
	return r
}

// sign signs a request to S3 now.
func (w *world) sign(r *http.Request, payload string) { w.signAs(r, payload, "s3", w.clock.Now()) }

func (w *world) signAs(r *http.Request, payload, service string, at time.Time) {
	w.t.Helper()
	a := w.admin()
	err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }).
		SignHTTP(w.t.Context(), aws.Credentials{AccessKeyID: a.key, SecretAccessKey: a.secret}, r, payload, service, region, at)
	noError(w.t, err)
}

func (w *world) do(r *http.Request) (int, string) {
	w.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	noError(w.t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	noError(w.t, err)
	return answer.StatusCode, string(b)
}

func TestOldAndAlteredRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	const ec2Form = "Action=DescribeVpcs&Version=2016-11-15"
	now := w.clock.Now()
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		want   string
	}{
		"good":             {w.signed("sts", form, form, now), 200, "<GetCallerIdentityResult>"},
		"a little old":     {w.signed("sts", form, form, now.Add(-14*time.Minute)), 200, "<GetCallerIdentityResult>"},
		"old":              {w.signed("sts", form, form, now.Add(-16*time.Minute)), 403, "<Code>SignatureDoesNotMatch</Code>"},
		"from the future":  {w.signed("sts", form, form, now.Add(16*time.Minute)), 403, "<Code>SignatureDoesNotMatch</Code>"},
		"altered":          {w.signed("sts", form+"&DryRun=true", form, now), 403, "<Code>SignatureDoesNotMatch</Code>"},
		"old, EC2":         {w.signed("ec2", ec2Form, ec2Form, now.Add(-16*time.Minute)), 401, "<Code>AuthFailure</Code>"},
		"unknown action":   {w.signed("ec2", "Action=Do&Version=2016-11-15", "Action=Do&Version=2016-11-15", now), 400, "<Code>InvalidAction</Code>"},
		"unknown service":  {w.signed("lambda", form, form, now), 501, "<Code>NotImplemented</Code>"},
		"unknown version":  {w.signed("ec2", "Action=DescribeVpcs&Version=2006-01-01", "Action=DescribeVpcs&Version=2006-01-01", now), 400, "<Code>InvalidAction</Code>"},
		"unknown argument": {w.signed("sts", form+"&Colour=red", form+"&Colour=red", now), 400, "<Code>InvalidInput</Code>"},
	} {
		if status, body := w.do(c.r); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	document, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, strings.NewReader(`{"Name":"/altered"}`))
	noError(t, err)
	document.Header.Set("Content-Type", "application/x-amz-json-1.1")
	document.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	w.signAs(document, sha256Hex(`{"Name":"/signed"}`), "ssm", now)
	if status, body := w.do(document); status != 403 || !strings.Contains(body, "InvalidSignatureException") {
		t.Errorf("an altered document: %d %s", status, body)
	}
	unsigned, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, strings.NewReader(ec2Form))
	noError(t, err)
	unsigned.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body := w.do(unsigned); status != 403 || !strings.Contains(body, "MissingAuthenticationToken") {
		t.Errorf("unsigned: %d %s", status, body)
	}
	padded := w.signed("sts", form, form, now)
	padded.Header.Set("X-Padding", strings.Repeat("x", 40<<10))
	if status, _ := w.do(padded); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("40 KB of headers: %d", status)
	}
	large := w.signed("sts", strings.Repeat("x", 2<<20), "", now)
	if status, _ := w.do(large); status != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MB: %d", status)
	}
}

func TestForeignHostsAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/-/status"} {
		for host, allowed := range map[string]bool{"evil.example": false, "localhost.evil.example": false, "localhost": true, "b.localhost:80": true, "[::1]:80": true} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
			noError(t, err)
			r.Host = host
			_, body := w.do(r)
			if refused := strings.Contains(body, "loopback names only"); refused == allowed {
				t.Errorf("%s to %s: %s", path, host, body)
			}
		}
	}
}

func TestIAMRefuses(t *testing.T) {
	w := newWorld(t)
	w.role("agent", agentPolicy)
	api, ctx, name := w.iam(w.admin()), t.Context(), aws.String("agent")
	for label, c := range map[string]struct {
		do   func() error
		code string
	}{
		"role again": {func() error {
			_, err := api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(ec2Trust)})
			return err
		}, "EntityAlreadyExists"},
		"profile again": {func() error {
			_, err := api.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name})
			return err
		}, "EntityAlreadyExists"},
		"second role in a profile": {func() error {
			_, err := api.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: name})
			return err
		}, "LimitExceeded"},
		"role in use": {func() error {
			_, err := api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
			return err
		}, "DeleteConflict"},
		"profile in use": {func() error {
			_, err := api.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: name})
			return err
		}, "DeleteConflict"},
		"unknown role": {func() error {
			_, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("none")})
			return err
		}, "NoSuchEntity"},
		"bad policy": {func() error {
			_, err := api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("q"), PolicyDocument: aws.String(`{"Statement":[]}`)})
			return err
		}, "MalformedPolicyDocument"},
		"bad trust": {func() error {
			_, err := api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r2"), AssumeRolePolicyDocument: aws.String(agentPolicy)})
			return err
		}, "MalformedPolicyDocument"},
		"long policy": {func() error {
			long := strings.Replace(agentPolicy, "agents/x/", strings.Repeat("x", 11000), 1)
			_, err := api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("q"), PolicyDocument: &long})
			return err
		}, "LimitExceeded"},
	} {
		t.Run(label, func(t *testing.T) { wantCode(t, c.do(), c.code) })
	}
	got, err := api.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	noError(t, err)
	if text, err := url.QueryUnescape(*got.PolicyDocument); err != nil || text != agentPolicy {
		t.Errorf("the policy came back as %s", text)
	}
	if profile, err := api.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name}); err != nil || len(profile.InstanceProfile.Roles) != 1 {
		t.Errorf("the profile is %+v, %v", profile, err)
	}
	takeApart(t, api, name)
}

// takeApart deletes a role and its profile in the order that IAM demands.
func takeApart(t *testing.T, api *iam.Client, name *string) {
	t.Helper()
	ctx := t.Context()
	_, err := api.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: name})
	noError(t, err)
	_, err = api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	wantCode(t, err, "DeleteConflict")
	_, err = api.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	noError(t, err)
	_, err = api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	noError(t, err)
	_, err = api.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: name})
	noError(t, err)
	_, err = api.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name, AssumeRolePolicyDocument: aws.String(ec2Trust),
		Tags: []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	noError(t, err)
	role, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil || len(role.Role.Tags) != 1 || !bytes.HasPrefix([]byte(*role.Role.RoleId), []byte("AROA")) {
		t.Errorf("the role is %+v, %v", role, err)
	}
}
