// Package act is what spored can do: end its own instance, tell its users,
// write its status and keep its policy. Everything that changes the world is
// here, and each of it can be replaced: run is handed these actions, so an
// agent that must not touch its machine is given ones that cannot.
//
// It decides nothing.
package act

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/sdkhttp"
)

// EC2API are the calls that spored makes: all that its role has to allow.
type EC2API interface {
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// NewEC2 returns a client with the credentials of the instance's role, which
// are read through metadata. endpoint is the URL of the API, or "" for AWS.
// The client tries each call once: whoever makes it knows how long to go on.
func NewEC2(region, endpoint string, metadata ec2rolecreds.GetMetadataAPIClient) EC2API {
	options := ec2.Options{
		Region:  region,
		Retryer: aws.NopRetryer{},
		Credentials: aws.NewCredentialsCache(ec2rolecreds.New(func(o *ec2rolecreds.Options) {
			o.Client = metadata
		})),
		HTTPClient: sdkhttp.Steady(&http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSHandshakeTimeout: 3 * time.Second,
			MaxIdleConnsPerHost: 1,
			IdleConnTimeout:     10 * time.Second,
		}}),
	}
	if endpoint != "" {
		options.BaseEndpoint = aws.String(endpoint)
	}
	return ec2.New(options)
}

// Instance is the instance that spored runs on, seen from the API. No other
// can be reached through it.
type Instance struct {
	api EC2API
	id  string
}

// NewInstance is the instance with an id.
func NewInstance(api EC2API, id string) *Instance { return &Instance{api: api, id: id} }

// ErrNoRole says that the instance has no role, so no call can be signed and
// trying again is of no use.
var ErrNoRole = errors.New("this instance has no role")

// Terminate asks EC2 to end the instance. A nil error means that EC2 agreed,
// not that it is done. The error is ErrNoRole where there is no role.
func (i *Instance) Terminate(ctx context.Context) error {
	_, err := i.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{i.id}})
	switch {
	case err == nil:
		return nil
	case roleless(err):
		return fmt.Errorf("terminate %s: %w", i.id, ErrNoRole)
	default:
		return fmt.Errorf("terminate %s: %w", i.id, err)
	}
}

// roleless tells that a call failed because the metadata service answered, and
// has no role to offer.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
func roleless(err error) bool {
	var call, metadata *smithy.OperationError
	var answer *smithyhttp.ResponseError
	return errors.As(err, &call) &&
		errors.As(call.Err, &metadata) && metadata.ServiceID == imds.ServiceID &&
		errors.As(metadata.Err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound
}

// Tell writes the status tag.
func (i *Instance) Tell(ctx context.Context, s lifecycle.Status) error {
	_, err := i.api.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{i.id},
		Tags:      []types.Tag{{Key: aws.String(lifecycle.TagStatus), Value: aws.String(s.String())}},
	})
	if err != nil {
		return fmt.Errorf("tag %s with its status: %w", i.id, err)
	}
	return nil
}
