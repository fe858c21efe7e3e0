package reap

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/price"
)

// Store is what the account's bucket is cleaned with.
type Store interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	DeleteBucket(context.Context, *s3.DeleteBucketInput, ...func(*s3.Options)) (*s3.DeleteBucketOutput, error)
}

// cargoLife is how long a user's script that is too large to be sent lies in the
// bucket. The address under which an instance fetches it holds for an hour.
const cargoLife = 24 * time.Hour

// bucketName is the bucket's. Its name is spawn's own, with the account's number
// in it, and every call says whose it must be: there is no tag to look at.
func (r Region) bucketName() string { return account.BucketName(r.Who.Account, r.Name) }

// objects lists what is in the bucket under a prefix. Without a bucket there is
// nothing.
func (r Region) objects(ctx context.Context, prefix string) (all []types.Object, there bool, err error) {
	pages := s3.NewListObjectsV2Paginator(r.Store, &s3.ListObjectsV2Input{
		Bucket: aws.String(r.bucketName()), Prefix: aws.String(prefix), ExpectedBucketOwner: aws.String(r.Who.Account),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if awserr.IsNotFound(err) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("list what is in the bucket %s: %w", r.bucketName(), err)
		}
		all = append(all, page.Contents...)
	}
	return all, true, nil
}

// oldCargo are the users' scripts in the bucket that no instance fetches any
// more, whosever they are: they are named by their content alone.
func (r Region) oldCargo(ctx context.Context, scope Scope) (out []Item, err error) {
	all, _, err := r.objects(ctx, account.CargoPrefix)
	for _, o := range all {
		if scope.Now.Sub(aws.ToTime(o.LastModified)) < cargoLife {
			continue
		}
		out = append(out, Item{Kind: Cargo, ID: aws.ToString(o.Key), Name: r.bucketName(), Why: "no instance fetches it any more", Monthly: stored()})
	}
	return out, err
}

// stored is what lying in a bucket costs: next to nothing, and not known here.
func stored() price.Cost { return price.Cost{} }

// bucket is the bucket with all that is in it. One into which something was put
// a moment ago serves a launch that may be in progress.
func (r Region) bucket(ctx context.Context, scope Scope) ([]Item, error) {
	all, there, err := r.objects(ctx, "")
	if err != nil || !there {
		return nil, err
	}
	for _, o := range all {
		if scope.Now.Sub(aws.ToTime(o.LastModified)) < youngest && !scope.Mine(r.bucketName()) {
			return nil, nil
		}
	}
	return []Item{{Kind: Bucket, ID: r.bucketName(), Why: fmt.Sprintf("everything: the agent's, with %d objects", len(all)), Monthly: stored()}}, nil
}

func (r Region) deleteObject(ctx context.Context, key string) error {
	_, err := r.Store.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(r.bucketName()), Key: aws.String(key), ExpectedBucketOwner: aws.String(r.Who.Account)})
	if err != nil {
		return fmt.Errorf("delete %s from the bucket %s: %w", key, r.bucketName(), err)
	}
	return nil
}

func (r Region) deleteBucket(ctx context.Context, name string) error {
	all, there, err := r.objects(ctx, "")
	if err != nil || !there {
		return err
	}
	for _, o := range all {
		if err := r.deleteObject(ctx, aws.ToString(o.Key)); err != nil {
			return err
		}
	}
	_, err = r.Store.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(name), ExpectedBucketOwner: aws.String(r.Who.Account)})
	if err != nil {
		return fmt.Errorf("delete the bucket %s: %w", name, err)
	}
	return nil
}
