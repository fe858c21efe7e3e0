package account

import (
	"bytes"
	"context"
	"fmt"
	"sync"

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

// CargoPrefix begins the names of the objects in which users' user-data is
// carried that is too large to be sent.
const CargoPrefix = "user-data/"

// Object is where something lies for instances to fetch.
type Object struct {
	Bucket string
	Key    string // names its content
	Sent   bool   // it was not there yet
}

// EnsureObject makes sure that the account's bucket in the region holds body
// under key, which names its content: what is there under it is never written
// again. The bucket is made while the object is looked for, which saves a round
// trip where there is none yet; one that cannot be made may still be there.
func EnsureObject(ctx context.Context, api BucketAPI, who Identity, region, key string, body []byte, made Made) (Object, error) {
	o := Object{Bucket: BucketName(who.Account, region), Key: key}
	var createErr, headErr error
	var found *s3.HeadObjectOutput
	var both sync.WaitGroup
	both.Go(func() { createErr = createBucket(ctx, api, o.Bucket, region) })
	both.Go(func() {
		found, headErr = api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(o.Bucket), Key: aws.String(key), ExpectedBucketOwner: aws.String(who.Account)})
	})
	both.Wait()
	if createErr == nil && headErr != nil {
		made(Bucket, o.Bucket) // us-east-1 makes a bucket again that is there, so this may be an old one
	}
	createErr = unlessThere(createErr)
	switch {
	case headErr == nil && aws.ToInt64(found.ContentLength) == int64(len(body)):
		return o, nil
	case createErr != nil && !awserr.IsDenied(createErr):
		return o, createErr
	case headErr != nil && !awserr.IsNotFound(headErr) && !awserr.IsDenied(headErr): // without s3:ListBucket, what is not there is forbidden
		return o, bucketError(headErr, o.Bucket, "look for the agent's program in")
	}
	_, err := api.PutObject(ctx, &s3.PutObjectInput{
		Bucket:              aws.String(o.Bucket),
		Key:                 aws.String(key),
		Body:                bytes.NewReader(body),
		ContentType:         aws.String("application/gzip"),
		ExpectedBucketOwner: aws.String(who.Account),
	})
	switch {
	case err != nil && createErr != nil:
		return o, createErr // there is no bucket, and this is why
	case err != nil:
		return o, bucketError(err, o.Bucket, "upload the agent's program to")
	}
	o.Sent = true
	return o, nil
}

// CheckObject tells whether an object is where it is remembered to be. It does
// not know what it may not ask.
func CheckObject(ctx context.Context, api BucketAPI, who Identity, o Object) (there bool, err error) {
	_, err = api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(o.Bucket), Key: aws.String(o.Key), ExpectedBucketOwner: aws.String(who.Account)})
	switch {
	case err == nil:
		return true, nil
	case awserr.IsNotFound(err):
		return false, nil
	default:
		return false, bucketError(err, o.Bucket, "look for the agent's program in")
	}
}

func createBucket(ctx context.Context, api BucketAPI, bucket, region string) error {
	in := &s3.CreateBucketInput{Bucket: aws.String(bucket)}
	if accountNamespace(region) {
		in.BucketNamespace = types.BucketNamespaceAccountRegional
	}
	if region != "us-east-1" { // the one region that must not be named
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	if _, err := api.CreateBucket(ctx, in); err != nil {
		return bucketError(err, bucket, "create")
	}
	return nil
}

func unlessThere(err error) error {
	if awserr.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func bucketError(err error, bucket, doing string) error {
	if awserr.IsTakenByOthers(err) {
		return problem.New(problem.Failed, "the bucket name %s belongs to another account", bucket)
	}
	return fmt.Errorf("%s the bucket %s: %w", doing, bucket, err)
}
