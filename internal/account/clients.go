package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spawn-ec2/spawn/internal/awsx"
)

// transferTimeout bounds one HTTP exchange that carries a file.
const transferTimeout = 5 * time.Minute

// IAMOf is a client for the account.
func IAMOf(t *awsx.Target) *iam.Client { return iam.NewFromConfig(t.Config()) }

// SSMOf is a client for the parameters that AWS publishes in the target's region.
func SSMOf(t *awsx.Target) *ssm.Client { return ssm.NewFromConfig(t.Config()) }

// STSOf is a client for questions about the caller.
func STSOf(t *awsx.Target) *sts.Client { return sts.NewFromConfig(t.Config()) }

// S3Of is a client for the target's region whose calls may take the time that a
// file takes. A configured endpoint is addressed by path: it has no name for
// each bucket.
func S3Of(t *awsx.Target) *s3.Client {
	return s3.NewFromConfig(t.Config(), func(o *s3.Options) {
		o.UsePathStyle = t.Endpoint != ""
		o.HTTPClient = t.Patient(transferTimeout)
	})
}

// presignedFor is how long a presigned URL holds, unless the credentials that
// signed it end before (an SSO session may have an hour left).
const presignedFor = time.Hour

// ObjectURLs say where an object of a bucket in the target's region is found:
// for whoever signs the request, and with a signature that reads this one object
// for an hour at most. No call is made: the SDK knows each partition's names.
func ObjectURLs(t *awsx.Target) func(ctx context.Context, bucket, key string) (plain, presigned string, err error) {
	client := s3.NewPresignClient(S3Of(t), s3.WithPresignExpires(presignedFor))
	return func(ctx context.Context, bucket, key string) (plain, presigned string, err error) {
		signed, err := client.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
		if err != nil {
			return "", "", fmt.Errorf("sign the address of the bucket %s: %w", bucket, err)
		}
		plain, _, _ = strings.Cut(signed.URL, "?")
		return plain, signed.URL, nil
	}
}
