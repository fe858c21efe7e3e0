package local_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A user with lesser rights is made, used and taken apart again, in the order
// that IAM demands, and nothing of it is left.
func TestAUsersLife(t *testing.T) {
	w := newWorld(t)
	api, ctx, name := w.iam(w.admin()), t.Context(), aws.String("guest")
	guest := w.user("guest", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["ec2:DescribeVpcs","iam:GetUser","iam:*AccessKey*"],"Resource":"*"}}`)
	second, err := w.iam(guest).CreateAccessKey(ctx, &iam.CreateAccessKeyInput{}) // for itself
	noError(t, err)
	if *second.AccessKey.UserName != "guest" {
		t.Fatalf("the key is %s's", *second.AccessKey.UserName)
	}
	_, err = api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	wantCode(t, err, "LimitExceeded")
	self, err := w.iam(guest).GetUser(ctx, &iam.GetUserInput{})
	noError(t, err)
	byName, err := api.GetUser(ctx, &iam.GetUserInput{UserName: name})
	noError(t, err)
	if *self.User.Arn != "arn:aws:iam::123456789012:user/guest" || *self.User.UserId != *byName.User.UserId {
		t.Errorf("it is %+v", self.User)
	}

	listed := map[string]bool{}
	pages := iam.NewListAccessKeysPaginator(api, &iam.ListAccessKeysInput{UserName: name, MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		noError(t, err)
		for _, k := range page.AccessKeyMetadata {
			listed[*k.AccessKeyId] = *k.UserName == "guest" && k.Status == "Active"
		}
	}
	if len(listed) != 2 || !listed[guest.key] || !listed[*second.AccessKey.AccessKeyId] {
		t.Errorf("its keys are %v", listed)
	}

	refusesToGo := func() {
		t.Helper()
		_, err := api.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
		wantCode(t, err, "DeleteConflict")
	}
	refusesToGo()
	_, err = api.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("admin"), AccessKeyId: &guest.key})
	wantCode(t, err, "NoSuchEntity")
	_, err = api.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: second.AccessKey.AccessKeyId})
	noError(t, err)
	_, err = w.ec2(guest).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	noError(t, err)
	_, err = api.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
	noError(t, err)
	_, err = w.ec2(guest).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	wantCode(t, err, "UnauthorizedOperation")
	_, err = api.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
	wantCode(t, err, "NoSuchEntity")
	refusesToGo()
	_, err = api.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: &guest.key})
	noError(t, err)
	_, err = w.sts(guest).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId")
	_, err = api.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
	noError(t, err)
	for _, gone := range []error{
		func() error { _, err := api.GetUser(ctx, &iam.GetUserInput{UserName: name}); return err }(),
		func() error { _, err := api.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}); return err }(),
		func() error { _, err := api.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name}); return err }(),
	} {
		wantCode(t, gone, "NoSuchEntity")
	}
	if again := w.user("guest", ""); again.key == guest.key {
		t.Error("the old key is back")
	}
}
