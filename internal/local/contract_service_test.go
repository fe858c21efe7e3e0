package local_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Of the services other than EC2, moto has no Price List, of Service Quotas only
// those of VPCs, and no SimulatePrincipalPolicy: these it cannot judge at all.

// asked makes a step of a call to any service, and words its answer; a shape of
// nil is "ok".
func asked[C, In, Out, O any](client func(*stage) *C, do func(*C, context.Context, *In, ...func(*O)) (*Out, error), in *In, shape func(*Out) string) func(context.Context, *stage) (string, error) {
	return func(ctx context.Context, s *stage) (string, error) {
		fresh := *in // the client puts tokens into it, and would send them again
		out, err := do(client(s), ctx, &fresh)
		if err != nil || shape == nil {
			return "", err
		}
		return shape(out), nil
	}
}

func toIAM(s *stage) *iam.Client             { return s.iam }
func toS3(s *stage) *s3.Client               { return s.s3 }
func toSSM(s *stage) *ssm.Client             { return s.ssm }
func toScheduler(s *stage) *scheduler.Client { return s.scheduler }

// roleScene makes a role with its profile and takes them away again.
func roleScene() scene {
	r, p, none := aws.String("r"), aws.String("p"), aws.String("none")
	trust := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	allow := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)
	create := asked(toIAM, (*iam.Client).CreateRole, &iam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: trust}, func(o *iam.CreateRoleOutput) string {
		return *o.Role.Arn + " " + *o.Role.Path + " " + (*o.Role.RoleId)[:4]
	})
	getPolicy := func(name *string) func(context.Context, *stage) (string, error) {
		return asked(toIAM, (*iam.Client).GetRolePolicy, &iam.GetRolePolicyInput{RoleName: r, PolicyName: name}, func(o *iam.GetRolePolicyOutput) string {
			return fmt.Sprintf("%s %s escaped=%t", *o.RoleName, *o.PolicyName, strings.HasPrefix(*o.PolicyDocument, "%7B%22Version%22"))
		})
	}
	deleteRole := asked(toIAM, (*iam.Client).DeleteRole, &iam.DeleteRoleInput{RoleName: r}, nil)
	deletePolicy := asked(toIAM, (*iam.Client).DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: r, PolicyName: p}, nil)
	add := func(role *string) func(context.Context, *stage) (string, error) {
		return asked(toIAM, (*iam.Client).AddRoleToInstanceProfile, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: p, RoleName: role}, nil)
	}
	remove := asked(toIAM, (*iam.Client).RemoveRoleFromInstanceProfile, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: p, RoleName: r}, nil)
	createProfile := asked(toIAM, (*iam.Client).CreateInstanceProfile, &iam.CreateInstanceProfileInput{InstanceProfileName: p}, func(o *iam.CreateInstanceProfileOutput) string {
		return fmt.Sprintf("%s %d roles", *o.InstanceProfile.Arn, len(o.InstanceProfile.Roles))
	})
	deleteProfile := asked(toIAM, (*iam.Client).DeleteInstanceProfile, &iam.DeleteInstanceProfileInput{InstanceProfileName: p}, nil)
	return scene{name: "role and profile", steps: []step{
		{name: "a role", do: create, want: "arn:aws:iam::123456789012:role/r / AROA"},
		{name: "the same role", do: create, want: "EntityAlreadyExists"},
		{name: "a role that nothing says who may assume", do: asked(toIAM, (*iam.Client).CreateRole, &iam.CreateRoleInput{RoleName: none, AssumeRolePolicyDocument: aws.String("{}")}, nil), want: "MalformedPolicyDocument", moto: "ok", why: "moto does not look at trust policies"},
		{name: "no role", do: asked(toIAM, (*iam.Client).GetRole, &iam.GetRoleInput{RoleName: aws.String("no")}, nil), want: "NoSuchEntity"},
		{name: "a policy", do: asked(toIAM, (*iam.Client).PutRolePolicy, &iam.PutRolePolicyInput{RoleName: r, PolicyName: p, PolicyDocument: allow}, nil), want: "ok"},
		{name: "a policy that is none", do: asked(toIAM, (*iam.Client).PutRolePolicy, &iam.PutRolePolicyInput{RoleName: r, PolicyName: p, PolicyDocument: aws.String("{}")}, nil), want: "MalformedPolicyDocument"},
		{name: "read it", do: getPolicy(p), want: "r p escaped=true"},
		{name: "read another", do: getPolicy(none), want: "NoSuchEntity"},
		{name: "delete the role with a policy", do: deleteRole, want: "DeleteConflict"},
		{name: "delete the policy", do: deletePolicy, want: "ok"},
		{name: "delete it again", do: deletePolicy, want: "NoSuchEntity"},
		{name: "a profile", do: createProfile, want: "arn:aws:iam::123456789012:instance-profile/p 0 roles"},
		{name: "the same profile", do: createProfile, want: "EntityAlreadyExists"},
		{name: "put a role into it that is none", do: add(aws.String("no")), want: "NoSuchEntity"},
		{name: "put the role into it", do: add(r), want: "ok"},
		{name: "put it there twice", do: add(r), want: "LimitExceeded"},
		{name: "delete the role with a profile", do: deleteRole, want: "DeleteConflict"},
		{name: "delete the profile with a role", do: deleteProfile, want: "DeleteConflict"},
		{name: "take the role out", do: remove, want: "ok"},
		{name: "take it out twice", do: remove, want: "NoSuchEntity", unjudged: "moto answers with its HTML 500"},
		{name: "delete the profile", do: deleteProfile, want: "ok"},
		{name: "delete it again", do: deleteProfile, want: "NoSuchEntity"},
		{name: "delete the role", do: deleteRole, want: "ok"},
		{name: "delete it again", do: deleteRole, want: "NoSuchEntity"},
	}}
}

// userScene makes a user with keys and takes her away again.
func userScene() scene {
	ann, bob, p := aws.String("ann"), aws.String("bob"), aws.String("p")
	allow := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)
	create := asked(toIAM, (*iam.Client).CreateUser, &iam.CreateUserInput{UserName: ann}, func(o *iam.CreateUserOutput) string { return *o.User.Arn + " " + *o.User.Path })
	key := func(user *string) func(context.Context, *stage) (string, error) {
		return func(ctx context.Context, s *stage) (string, error) {
			out, err := s.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user})
			if err != nil {
				return "", err
			}
			s.ids["key"] = *out.AccessKey.AccessKeyId
			return fmt.Sprintf("%s %s of %d", (*out.AccessKey.AccessKeyId)[:4], out.AccessKey.Status, len(*out.AccessKey.SecretAccessKey)), nil
		}
	}
	deleteKey := func(ctx context.Context, s *stage) (string, error) {
		_, err := s.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ann, AccessKeyId: s.id("key")})
		return "", err
	}
	keys := asked(toIAM, (*iam.Client).ListAccessKeys, &iam.ListAccessKeysInput{UserName: ann}, func(o *iam.ListAccessKeysOutput) string {
		return fmt.Sprintf("%d keys, more=%t", len(o.AccessKeyMetadata), o.IsTruncated)
	})
	put := func(user *string) func(context.Context, *stage) (string, error) {
		return asked(toIAM, (*iam.Client).PutUserPolicy, &iam.PutUserPolicyInput{UserName: user, PolicyName: p, PolicyDocument: allow}, nil)
	}
	deletePolicy := asked(toIAM, (*iam.Client).DeleteUserPolicy, &iam.DeleteUserPolicyInput{UserName: ann, PolicyName: p}, nil)
	managed := asked(toIAM, (*iam.Client).CreatePolicy, &iam.CreatePolicyInput{PolicyName: p, PolicyDocument: allow}, func(o *iam.CreatePolicyOutput) string {
		return fmt.Sprintf("%s %s attachable=%t", *o.Policy.Arn, *o.Policy.DefaultVersionId, o.Policy.IsAttachable)
	})
	attach := func(user *string, name string) func(context.Context, *stage) (string, error) {
		return asked(toIAM, (*iam.Client).AttachUserPolicy, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::123456789012:policy/" + name)}, nil)
	}
	deleteUser := asked(toIAM, (*iam.Client).DeleteUser, &iam.DeleteUserInput{UserName: ann}, nil)
	return scene{name: "user", steps: []step{
		{name: "a user", do: create, want: "arn:aws:iam::123456789012:user/ann /"},
		{name: "the same user", do: create, want: "EntityAlreadyExists"},
		{name: "read her", do: asked(toIAM, (*iam.Client).GetUser, &iam.GetUserInput{UserName: ann}, func(o *iam.GetUserOutput) string { return *o.User.Arn }), want: "arn:aws:iam::123456789012:user/ann"},
		{name: "read another", do: asked(toIAM, (*iam.Client).GetUser, &iam.GetUserInput{UserName: bob}, nil), want: "NoSuchEntity"},
		{name: "a key of nobody", do: key(bob), want: "NoSuchEntity"},
		{name: "a key", do: key(ann), want: "AKIA Active of 40"},
		{name: "a second key", do: key(ann), want: "AKIA Active of 40"},
		{name: "a third key", do: key(ann), want: "LimitExceeded"},
		{name: "list them", do: keys, want: "2 keys, more=false"},
		{name: "delete one", do: deleteKey, want: "ok"},
		{name: "one is left", do: keys, want: "1 keys, more=false"},
		{name: "a policy", do: put(ann), want: "ok"},
		{name: "a policy of nobody", do: put(bob), want: "NoSuchEntity"},
		{name: "delete the user with key and policy", do: deleteUser, want: "DeleteConflict"},
		{name: "delete the policy", do: deletePolicy, want: "ok"},
		{name: "delete it again", do: deletePolicy, want: "NoSuchEntity"},
		{name: "a policy of the account's own", do: managed, want: "arn:aws:iam::123456789012:policy/p v1 attachable=true"},
		{name: "the same policy", do: managed, want: "EntityAlreadyExists"},
		{name: "attach it", do: attach(ann, "p"), want: "ok"},
		{name: "attach it again", do: attach(ann, "p"), want: "ok"},
		{name: "attach another", do: attach(ann, "q"), want: "NoSuchEntity"},
		{name: "attach it to nobody", do: attach(bob, "p"), want: "NoSuchEntity"},
	}}
}

// objectScene puts an object into a bucket and takes both away again.
func objectScene() scene {
	bucket, other, key := aws.String("bucket-of-the-contract"), aws.String("no-such-bucket"), aws.String("a b/c+d")
	create := asked(toS3, (*s3.Client).CreateBucket, &s3.CreateBucketInput{Bucket: bucket}, nil)
	head := func(name *string) func(context.Context, *stage) (string, error) {
		return asked(toS3, (*s3.Client).HeadBucket, &s3.HeadBucketInput{Bucket: name}, func(o *s3.HeadBucketOutput) string { return aws.ToString(o.BucketRegion) })
	}
	put := asked(toS3, func(c *s3.Client, ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
		again := *in
		again.Body = strings.NewReader("content")
		return c.PutObject(ctx, &again, o...)
	}, &s3.PutObjectInput{Bucket: bucket, Key: key, IfNoneMatch: aws.String("*"), ContentType: aws.String("text/x"), Metadata: map[string]string{"who": "me"}},
		func(o *s3.PutObjectOutput) string { return *o.ETag })
	get := func(key string, part *string) func(context.Context, *stage) (string, error) {
		return asked(toS3, (*s3.Client).GetObject, &s3.GetObjectInput{Bucket: bucket, Key: &key, Range: part}, func(o *s3.GetObjectOutput) string {
			defer o.Body.Close()
			text, err := io.ReadAll(o.Body)
			return fmt.Sprintf("%s %v %s %v %s", text, err, *o.ContentType, o.Metadata, *o.ETag)
		})
	}
	list := func(in *s3.ListObjectsV2Input) func(context.Context, *stage) (string, error) {
		return asked(toS3, (*s3.Client).ListObjectsV2, in, func(o *s3.ListObjectsV2Output) string {
			var words []string
			for _, c := range o.Contents {
				words = append(words, *c.Key)
			}
			for _, p := range o.CommonPrefixes {
				words = append(words, *p.Prefix+"…")
			}
			return fmt.Sprintf("%q %d", words, aws.ToInt32(o.KeyCount))
		})
	}
	deleteBucket := asked(toS3, (*s3.Client).DeleteBucket, &s3.DeleteBucketInput{Bucket: bucket}, nil)
	deleteObject := asked(toS3, (*s3.Client).DeleteObject, &s3.DeleteObjectInput{Bucket: bucket, Key: key}, nil)
	const tag = `"9a0364b9e99bb480dd25e1f0284c8555"`
	return scene{name: "objects", steps: []step{
		{name: "no bucket", do: head(other), want: "NotFound"},
		{name: "a bucket with another region's constraint", do: asked(toS3, (*s3.Client).CreateBucket, &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "us-east-1"}}, nil), want: "InvalidLocationConstraint"},
		{name: "a bucket", do: create, want: "ok"},
		{name: "the same bucket, in us-east-1", do: create, want: "ok"},
		{name: "its region", do: head(bucket), want: "us-east-1"},
		{name: "an object", do: put, want: tag},
		{name: "an object where one is", do: put, want: "PreconditionFailed"},
		{name: "read it", do: get(*key, nil), want: "content <nil> text/x map[who:me] " + tag},
		{name: "read a part", do: get(*key, aws.String("bytes=2-4")), want: "nte <nil> text/x map[who:me] " + tag},
		{name: "read what is beyond", do: get(*key, aws.String("bytes=9-")), want: "InvalidRange"},
		{name: "read what is not there", do: get("none", nil), want: "NoSuchKey"},
		{name: "ask for what is not there", do: asked(toS3, (*s3.Client).HeadObject, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("none")}, nil), want: "NotFound"},
		{name: "list", do: list(&s3.ListObjectsV2Input{Bucket: bucket}), want: `["a b/c+d"] 1`},
		{name: "list folders", do: list(&s3.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/")}), want: `["a b/…"] 1`},
		{name: "list no bucket", do: list(&s3.ListObjectsV2Input{Bucket: other}), want: "NoSuchBucket"},
		{name: "delete the bucket with an object", do: deleteBucket, want: "BucketNotEmpty"},
		{name: "delete the object", do: deleteObject, want: "ok"},
		{name: "delete it again", do: deleteObject, want: "ok"},
		{name: "delete the bucket", do: deleteBucket, want: "ok"},
		{name: "delete it again", do: deleteBucket, want: "NoSuchBucket"},
	}}
}

// parameterScene reads the public parameters of images; which image each is,
// differs.
func parameterScene() scene {
	const path = "/aws/service/ami-amazon-linux-latest"
	const name = path + "/al2023-ami-kernel-default-x86_64"
	get := func(name string) func(context.Context, *stage) (string, error) {
		return asked(toSSM, (*ssm.Client).GetParameter, &ssm.GetParameterInput{Name: &name}, func(o *ssm.GetParameterOutput) string {
			return fmt.Sprintf("%s %s %s", *o.Parameter.Name, o.Parameter.Type, (*o.Parameter.Value)[:4])
		})
	}
	several := func(names []string) func(context.Context, *stage) (string, error) {
		return asked(toSSM, (*ssm.Client).GetParameters, &ssm.GetParametersInput{Names: names}, func(o *ssm.GetParametersOutput) string {
			return fmt.Sprintf("%d found, none of %q", len(o.Parameters), o.InvalidParameters)
		})
	}
	eleven := slices.Repeat([]string{name}, 11)
	return scene{name: "parameters", steps: []step{
		{name: "one", do: get(name), want: name + " String ami-"},
		{name: "none", do: get("/none"), want: "ParameterNotFound"},
		{name: "one and none", do: several([]string{name, "/none"}), want: `1 found, none of ["/none"]`},
		{name: "eleven", do: several(eleven), want: "ValidationException"},
		{name: "pages of eleven", do: asked(toSSM, (*ssm.Client).GetParametersByPath, &ssm.GetParametersByPathInput{Path: aws.String(path), MaxResults: aws.Int32(11)}, nil), want: "ValidationException"},
		{name: "by path", do: asked(toSSM, (*ssm.Client).GetParametersByPath, &ssm.GetParametersByPathInput{Path: aws.String(path)}, func(o *ssm.GetParametersByPathOutput) string {
			under := func(i int) bool { return strings.HasPrefix(*o.Parameters[i].Name, path+"/") }
			return fmt.Sprintf("some=%t under=%t", len(o.Parameters) > 0, len(o.Parameters) > 0 && under(0))
		}), want: "some=true under=true"},
		{name: "a token that is none", do: asked(toSSM, (*ssm.Client).GetParametersByPath, &ssm.GetParametersByPathInput{Path: aws.String(path), NextToken: aws.String("no")}, nil), want: "InvalidNextToken", unjudged: "moto answers with its HTML 500"},
	}}
}

// scheduleScene makes a schedule in a group and takes both away again.
func scheduleScene() scene {
	group, none, name := aws.String("ends"), aws.String("none"), aws.String("end")
	arn := aws.String("arn:aws:scheduler:us-east-1:123456789012:schedule-group/ends")
	createGroup := asked(toScheduler, (*scheduler.Client).CreateScheduleGroup, &scheduler.CreateScheduleGroupInput{Name: group}, func(o *scheduler.CreateScheduleGroupOutput) string { return *o.ScheduleGroupArn })
	getGroup := func(name *string) func(context.Context, *stage) (string, error) {
		return asked(toScheduler, (*scheduler.Client).GetScheduleGroup, &scheduler.GetScheduleGroupInput{Name: name}, func(o *scheduler.GetScheduleGroupOutput) string { return *o.Name + " " + string(o.State) })
	}
	target := &schedulertypes.Target{
		Arn: aws.String(terminateTarget), RoleArn: aws.String("arn:aws:iam::123456789012:role/scheduler"), Input: aws.String(`{"InstanceIds":["i-0"]}`),
	}
	never := &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff}
	create := func(in, expression string) func(context.Context, *stage) (string, error) {
		return asked(toScheduler, (*scheduler.Client).CreateSchedule, &scheduler.CreateScheduleInput{
			Name: name, GroupName: &in, ScheduleExpression: &expression, FlexibleTimeWindow: never, Target: target,
		}, func(o *scheduler.CreateScheduleOutput) string { return *o.ScheduleArn })
	}
	get := func(in, name *string) func(context.Context, *stage) (string, error) {
		return asked(toScheduler, (*scheduler.Client).GetSchedule, &scheduler.GetScheduleInput{GroupName: in, Name: name}, func(o *scheduler.GetScheduleOutput) string {
			return fmt.Sprintf("%s %s %s %s", *o.ScheduleExpression, o.State, aws.ToString(o.ScheduleExpressionTimezone), aws.ToString(o.Target.Input))
		})
	}
	update := func(name *string) func(context.Context, *stage) (string, error) {
		return asked(toScheduler, (*scheduler.Client).UpdateSchedule, &scheduler.UpdateScheduleInput{
			Name: name, GroupName: group, ScheduleExpression: aws.String("rate(1 hours)"), FlexibleTimeWindow: never, Target: target,
		}, nil)
	}
	remove := asked(toScheduler, (*scheduler.Client).DeleteSchedule, &scheduler.DeleteScheduleInput{GroupName: group, Name: name}, nil)
	tags := asked(toScheduler, (*scheduler.Client).ListTagsForResource, &scheduler.ListTagsForResourceInput{ResourceArn: arn}, func(o *scheduler.ListTagsForResourceOutput) string { return fmt.Sprintf("%d tags", len(o.Tags)) })
	trust := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	return scene{name: "schedules", steps: []step{
		{name: "a role", do: asked(toIAM, (*iam.Client).CreateRole, &iam.CreateRoleInput{RoleName: aws.String("scheduler"), AssumeRolePolicyDocument: trust}, nil), want: "ok"},
		{name: "a group", do: createGroup, want: *arn},
		{name: "the same group", do: createGroup, want: "ConflictException", moto: *arn, why: "moto makes it again"},
		{name: "read it", do: getGroup(group), want: "ends ACTIVE"},
		{name: "read another", do: getGroup(none), want: "ResourceNotFoundException"},
		{name: "tag it", do: asked(toScheduler, (*scheduler.Client).TagResource, &scheduler.TagResourceInput{ResourceArn: arn, Tags: []schedulertypes.Tag{{Key: name, Value: name}}}, nil), want: "ok"},
		{name: "its tags", do: tags, want: "1 tags"},
		{name: "untag it", do: asked(toScheduler, (*scheduler.Client).UntagResource, &scheduler.UntagResourceInput{ResourceArn: arn, TagKeys: []string{*name}}, nil), want: "ok"},
		{name: "no tags", do: tags, want: "0 tags"},
		{name: "a schedule", do: create("ends", "rate(10 minutes)"), want: "arn:aws:scheduler:us-east-1:123456789012:schedule/ends/end"},
		{name: "the same schedule", do: create("ends", "rate(10 minutes)"), want: "ConflictException"},
		{name: "a schedule in no group", do: create("none", "rate(10 minutes)"), want: "ResourceNotFoundException", unjudged: "moto answers with its HTML 500"},
		{name: "read it", do: get(group, name), want: `rate(10 minutes) ENABLED UTC {"InstanceIds":["i-0"]}`},
		{name: "read another", do: get(group, none), want: "ResourceNotFoundException"},
		{name: "read one of no group", do: get(none, name), want: "ResourceNotFoundException"},
		{name: "change it", do: update(name), want: "ok"},
		{name: "it has changed", do: get(group, name), want: `rate(1 hours) ENABLED UTC {"InstanceIds":["i-0"]}`, moto: `rate(1 hours)  UTC {"InstanceIds":["i-0"]}`, why: "moto forgets the state"},
		{name: "change another", do: update(none), want: "ResourceNotFoundException"},
		{name: "delete it", do: remove, want: "ok"},
		{name: "delete it again", do: remove, want: "ResourceNotFoundException"},
		{name: "an expression of nonsense", do: create("ends", "banana"), want: "ValidationException", moto: "arn:aws:scheduler:us-east-1:123456789012:schedule/ends/end", why: "moto takes any expression"},
		{name: "delete the group", do: asked(toScheduler, (*scheduler.Client).DeleteScheduleGroup, &scheduler.DeleteScheduleGroupInput{Name: group}, nil), want: "ok"},
		{name: "delete no group", do: asked(toScheduler, (*scheduler.Client).DeleteScheduleGroup, &scheduler.DeleteScheduleGroupInput{Name: none}, nil), want: "ResourceNotFoundException", unjudged: "moto answers with its HTML 500"},
	}}
}
