// Package act is what spored can do: end its own instance, tell its users,
// write its status and keep its policy. Everything that changes the world is
// here, and each of it can be replaced: run is handed these actions, so an
// agent that must not touch its machine is given ones that cannot.
//
// It decides nothing.
package act

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go/middleware"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/sdkhttp"
)

// EC2API are the calls by which spored acts. With sense.TagsAPI, which reads,
// they are all that its role has to allow.
type EC2API interface {
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
	StopInstances(context.Context, *ec2.StopInstancesInput, ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
	CancelSpotInstanceRequests(context.Context, *ec2.CancelSpotInstanceRequestsInput, ...func(*ec2.Options)) (*ec2.CancelSpotInstanceRequestsOutput, error)
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// Dial opens a connection, within moments or not at all.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// NewEC2 returns a client with the credentials of the instance's role, which
// are read through metadata. endpoint is the URL of the API, or "" for AWS.
// The client tries each call once: whoever makes it knows how long to go on.
// It connects by dial.
func NewEC2(region, endpoint string, metadata ec2rolecreds.GetMetadataAPIClient, dial Dial) *ec2.Client {
	role := aws.NewCredentialsCache(ec2rolecreds.New(func(o *ec2rolecreds.Options) {
		o.Client = metadata
	}))
	options := ec2.Options{
		Region:      region,
		Retryer:     aws.NopRetryer{},
		Credentials: role,
		APIOptions:  []func(*middleware.Stack) error{forgetRefused(role)},
		HTTPClient: sdkhttp.Steady(&http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dial,
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

// forgetRefused drops credentials that EC2 does not accept, so that the next
// call reads new ones: a machine that was hibernated wakes up with old ones,
// and a clock that lags takes expired ones for good.
func forgetRefused(role *aws.CredentialsCache) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("ForgetRefusedCredentials",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleFinalize(ctx, in)
				if awserr.IsBadCredentials(err) {
					role.Invalidate()
				}
				return out, metadata, err
			}), middleware.Before)
	}
}
