// Package awsx is how the laptop's programs reach AWS: configuration,
// credentials, endpoint, retries, the service's clock and the words for a
// service's refusal. It is the only package that loads AWS configuration, and
// it knows nothing of what the calls are for.
//
// The local cloud is only another endpoint here.
package awsx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sdkhttp"
)

// DefaultRegion is used when neither a flag, the environment nor the user's
// AWS configuration names one.
const DefaultRegion = "us-east-1"

const (
	callTimeout       = 30 * time.Second // one HTTP exchange, retries apart
	credentialTimeout = 15 * time.Second // finding credentials, SSO and metadata included
)

// Options say which cloud to reach and as whom. What is empty comes from the
// environment and the user's AWS configuration.
type Options struct {
	Profile string
	Region  string
	Local   *Local // the local cloud: nothing else is looked at
}

// Local is the address of a local cloud and the key to it.
type Local struct {
	Endpoint        string
	AccessKeyID     string
	SecretAccessKey string
}

// Target is a cloud that was found, in one region, with credentials.
type Target struct {
	Region   string
	Endpoint string // "" is AWS's own
	Local    bool   // reached by --local
	Profile  string
	Clock    *Clock
	config   aws.Config
	http     aws.HTTPClient // as the configuration has it
}

// Connect finds the cloud and the credentials, and proves that there are some.
// Without any, the error is a *problem.Error of kind Denied that names the
// ways to get going.
func Connect(ctx context.Context, o Options) (*Target, error) {
	clock := NewClock(time.Now)
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, err
	}
	cfg.APIOptions = append(cfg.APIOptions, func(s *middleware.Stack) error { return s.Deserialize.Add(clock.middleware(), middleware.After) })
	cfg.Retryer = newRetryer
	configured := cfg.HTTPClient
	cfg.HTTPClient = giveUpAfter(callTimeout, configured)
	cfg.AppID = "spawn"
	t := &Target{Region: cfg.Region, Endpoint: aws.ToString(cfg.BaseEndpoint), Local: o.Local != nil, Profile: o.Profile, Clock: clock, config: cfg, http: configured}
	return t, t.proveCredentials(ctx)
}

// giveUpAfter is a client that waits no longer for an exchange. What the
// configuration says of connections, such as the certificates of AWS_CA_BUNDLE,
// it keeps.
func giveUpAfter(timeout time.Duration, configured aws.HTTPClient) aws.HTTPClient {
	client, is := configured.(*awshttp.BuildableClient)
	if !is {
		client = awshttp.NewBuildableClient()
	}
	return sdkhttp.Steady(client.WithTimeout(timeout))
}

func load(ctx context.Context, o Options) (aws.Config, error) {
	if o.Local != nil {
		region := o.Region
		if region == "" {
			region = DefaultRegion
		}
		return aws.Config{
			Region:       region,
			BaseEndpoint: aws.String(o.Local.Endpoint),
			Credentials:  aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(o.Local.AccessKeyID, o.Local.SecretAccessKey, "")),
		}, nil
	}
	opts := []func(*config.LoadOptions) error{
		config.WithDefaultRegion(DefaultRegion),
		config.WithLogger(logging.Nop{}), // what the SDK has to say, its errors say too
	}
	if o.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		opts = append(opts, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	var unknown config.SharedConfigProfileNotExistError
	if errors.As(err, &unknown) {
		return cfg, noProfile(unknown.Profile)
	}
	if err != nil {
		return cfg, problem.New(problem.Denied, "the AWS configuration cannot be read: %w", err)
	}
	return cfg, nil
}

// proveCredentials fetches credentials once; the SDK keeps them for the calls
// that follow.
func (t *Target) proveCredentials(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, credentialTimeout)
	defer cancel()
	if t.config.Credentials == nil {
		return noCredentials(errors.New("no provider is configured"), t.Profile)
	}
	_, err := t.config.Credentials.Retrieve(ctx)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if err != nil {
		return noCredentials(err, t.Profile)
	}
	return nil
}

// Caller names the credentials without telling them: the same name always is
// the same caller. "" when there are none.
func (t *Target) Caller(ctx context.Context) string {
	found, err := t.config.Credentials.Retrieve(ctx)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(found.AccessKeyID))
	return hex.EncodeToString(sum[:16])
}

// newRetryer is the SDK's standard retryer, except that two things are final:
// certificates that are not trusted, which will not be in a second either, and
// an answer which names a lack of capacity. EC2 words that as an HTTP 500, and
// waiting for the same zone is not what a launch wants.
//
// A refused signature is retried by the SDK only where this machine's clock is
// wrong, and the next one has the service's time: there is nothing to wait for.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 5
		patient := retry.NewExponentialJitterBackoff(retry.DefaultMaxBackoff)
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) {
			if awserr.IsBadCredentials(err) {
				return 0, nil
			}
			return patient.BackoffDelay(attempt, err)
		})
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(capacityIsFinal), retry.IsErrorRetryableFunc(distrustIsFinal)}, o.Retryables...)
	})
}

// EC2 is a client for the target's region.
func (t *Target) EC2() *ec2.Client { return ec2.NewFromConfig(t.config) }

// In is the same cloud, as the same caller, in another region.
func (t *Target) In(region string) *Target {
	there := *t
	there.Region, there.config = region, t.config.Copy()
	there.config.Region = region
	return &there
}

// EC2In is a client for a region.
func (t *Target) EC2In(region string) *ec2.Client {
	return ec2.NewFromConfig(t.config, func(o *ec2.Options) { o.Region = region })
}

// Config is what clients of other services are made from, by whoever asks them:
// a program then carries no service that it does not use. It is the caller's own.
func (t *Target) Config() aws.Config { return t.config.Copy() }

// Patient is a client for exchanges that may take longer than a call: those
// that carry a file.
func (t *Target) Patient(timeout time.Duration) aws.HTTPClient { return giveUpAfter(timeout, t.http) }

// OnLoopback tells that the endpoint is this machine: then the address that it
// sees the caller under is a loopback address too.
func (t *Target) OnLoopback() bool {
	u, err := url.Parse(t.Endpoint)
	if err != nil || t.Endpoint == "" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}
