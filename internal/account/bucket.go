package account

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/permissions"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// BucketAPI is what EnsureObject calls.
type BucketAPI interface {
	CreateBucket(context.Context, *s3.CreateBucketInput, ...func(*s3.Options)) (*s3.CreateBucketOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// BucketName is the name of the account's bucket in a region. Most regions
// reserve names that end like this for the account itself, so nobody else can
// take it; where they do not, ExpectedBucketOwner tells.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
func BucketName(account, region string) string {
	name := permissions.BucketPrefix(account) + "-" + region
	if accountNamespace(region) {
		name += "-an"
	}
	return name
}

// accountNamespace tells whether a region has account-regional bucket names.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
func accountNamespace(region string) bool {
	return region != "me-south-1" && region != "me-central-1" && permissions.Partition(region) == "aws"
}

// EnsureObject makes sure that the account's bucket in the region holds body
// under key, which names its content: what is there under it is never written
// again. It returns the bucket's name and whether body was sent.
func EnsureObject(ctx context.Context, api BucketAPI, who Identity, region, key string, body []byte, made Made) (bucket string, sent bool, err error) {
	bucket = BucketName(who.Account, region)
	head := &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), ExpectedBucketOwner: aws.String(who.Account)}
	found, err := api.HeadObject(ctx, head)
	switch {
	case err == nil && aws.ToInt64(found.ContentLength) == int64(len(body)):
		return bucket, false, nil
	case err != nil && !awserr.IsNotFound(err):
		return "", false, bucketError(err, bucket, "look for the agent's program in")
	}
	if err := createBucket(ctx, api, bucket, region, made); err != nil {
		return "", false, err
	}
	_, err = api.PutObject(ctx, &s3.PutObjectInput{
		Bucket:              aws.String(bucket),
		Key:                 aws.String(key),
		Body:                bytes.NewReader(body),
		ContentType:         aws.String("application/gzip"),
		ExpectedBucketOwner: aws.String(who.Account),
	})
	if err != nil {
		return "", false, bucketError(err, bucket, "upload the agent's program to")
	}
	return bucket, true, nil
}

func createBucket(ctx context.Context, api BucketAPI, bucket, region string, made Made) error {
	in := &s3.CreateBucketInput{Bucket: aws.String(bucket)}
	if accountNamespace(region) {
		in.BucketNamespace = types.BucketNamespaceAccountRegional
	}
	if region != "us-east-1" { // the one region that must not be named
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := api.CreateBucket(ctx, in)
	switch {
	case err == nil:
		made(Bucket, bucket)
		return nil
	case awserr.IsAlreadyExists(err):
		return nil
	default:
		return bucketError(err, bucket, "create")
	}
}

func bucketError(err error, bucket, doing string) error {
	if awserr.IsTakenByOthers(err) {
		return problem.New(problem.Failed, "the bucket name %s belongs to another account", bucket)
	}
	return fmt.Errorf("%s the bucket %s: %w", doing, bucket, err)
}
