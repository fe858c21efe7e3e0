// Package sense is how spored learns things: who it is, what its tags say and
// what policy it was given. Everything it reads comes from outside and is
// bounded in time and in size; a huge, binary or hostile answer is data that
// cannot be understood, never code and never a reason to stop.
//
// It changes nothing and decides nothing.
package sense

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	requestTimeout = 2 * time.Second // for one request to the metadata service
	dialTimeout    = 2 * time.Second // for a connection to it, or to EC2's API
	maxAnswer      = 64 << 10        // bytes; the largest honest answer, a list of tag keys, has 50 × 128
	maxTagAnswer   = 4 * 256         // bytes; a tag's value has at most 256 characters
	maxTagList     = 32 << 10        // bytes; 50 keys of 128 characters are a fifth of it
)

// Metadata reads the instance metadata service, version 2 only. It keeps a
// token for as long as it is valid and a connection for as long as the service
// does.
type Metadata struct {
	client *imds.Client
	meter  *meter
}

// DefaultEndpoint is where an instance finds its metadata.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
const DefaultEndpoint = "http://169.254.169.254"

// NewMetadata reads from the service at endpoint; "" is DefaultEndpoint. A
// request never goes through a proxy.
func NewMetadata(endpoint string) *Metadata {
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	meter := newMeter(&net.Dialer{Timeout: dialTimeout})
	transport := &http.Transport{
		DialContext:           meter.DialContext,
		ResponseHeaderTimeout: requestTimeout,
		MaxIdleConnsPerHost:   2, // tags and notices are read at the same moments
		IdleConnTimeout:       30 * time.Second,
	}
	return &Metadata{meter: meter, client: imds.New(imds.Options{
		Endpoint:          endpoint,
		HTTPClient:        &http.Client{Transport: limited{transport}, Timeout: requestTimeout},
		Retryer:           aws.NopRetryer{}, // whoever asks decides whether to ask again
		ClientEnableState: imds.ClientEnabled,
		EnableFallback:    aws.FalseTernary,
	})}
}

// Traffic is how many bytes reading metadata and calls through DialContext have
// moved over the machine's interfaces so far, headers included. What the agent
// says and hears is no use of the instance.
func (m *Metadata) Traffic() uint64 { return m.meter.moved() }

// DialContext opens a connection whose traffic is the agent's own as well: that
// of its calls to EC2's API.
func (m *Metadata) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return m.meter.DialContext(ctx, network, address)
}

// Client is the SDK's client, which the credentials of the instance's role
// are read with.
func (m *Metadata) Client() *imds.Client { return m.client }

// Identity is who an instance is.
type Identity struct {
	InstanceID string
	Region     string
	Partition  string // aws, aws-cn, aws-us-gov, …
	OnDemand   bool   // EC2 says that it was bought so; false also where that could not be read
}

// Identity asks for the instance's id and region. An answer that cannot be
// either is an error.
func (m *Metadata) Identity(ctx context.Context) (Identity, error) {
	id, err := m.read(ctx, "instance-id", maxTagAnswer)
	if err != nil {
		return Identity{}, err
	}
	if !strings.HasPrefix(id, "i-") || !plain(id) {
		return Identity{}, fmt.Errorf("the metadata service answered with the instance id %.40q", id)
	}
	region, err := m.read(ctx, "placement/region", maxTagAnswer)
	if err != nil {
		return Identity{}, err
	}
	if !plain(region) {
		return Identity{}, fmt.Errorf("the metadata service answered with the region %.40q", region)
	}
	// Who the instance is must not hang on how it was bought: what cannot be
	// read is unknown.
	how, _, err := m.optional(ctx, lifeCyclePath)
	return Identity{InstanceID: id, Region: region, Partition: PartitionOf(region), OnDemand: err == nil && how == onDemand}, nil
}

// plain tells that s is a short name of letters, digits and hyphens.
func plain(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-'
	}) < 0
}

// PartitionOf is the partition of a region, which its prefix tells.
//
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func PartitionOf(region string) string {
	for _, p := range [...]struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"us-isob-", "aws-iso-b"},
		{"us-isof-", "aws-iso-f"},
		{"eu-isoe-", "aws-iso-e"},
		{"us-iso-", "aws-iso"},
		{"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// policyTags are the tags that the agent obeys. No other tag is read, however
// many there are.
func policyTags() []string {
	return []string{
		lifecycle.TagDeadline, lifecycle.TagTTL, lifecycle.TagCreated,
		lifecycle.TagIdleTimeout, lifecycle.TagIdleCPU, lifecycle.TagIdleAction, lifecycle.TagHibernateOnIdle,
		lifecycle.TagSpotRequest,
	}
}

// tagsPath is where the service lists the keys of the instance's tags, and
// below which it has their values. It is not there while metadata tags are off.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
const tagsPath = "tags/instance"

// Tags reads the tags that the agent obeys, as the metadata service shows
// them. A tag that is not there is left out; one that cannot be a tag's value
// is there with what could be read of it, so that it counts as garbage. Where
// the service shows no tags, because they are off, there is no map. An error
// means that nothing certain was learnt: tags that were read before the
// failure are not returned, because half a change is a wrong policy.
func (m *Metadata) Tags(ctx context.Context) (map[string]string, error) {
	list, err := m.read(ctx, tagsPath, maxTagList)
	switch {
	case isNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	there := strings.Split(list, "\n")
	tags := map[string]string{}
	for _, key := range policyTags() {
		if !slices.Contains(there, key) {
			continue
		}
		value, err := m.read(ctx, tagsPath+"/"+key, maxTagAnswer)
		switch {
		case isNotFound(err):
		case errors.Is(err, errTooLong):
			tags[key] = ""
		case err != nil:
			return nil, err
		case !utf8.ValidString(value):
			tags[key] = strings.ToValidUTF8(value, "\uFFFD")
		default:
			tags[key] = value
		}
	}
	return tags, nil
}

var errTooLong = errors.New("the answer is too long")

// read gets a path below meta-data, at most limit bytes.
func (m *Metadata) read(ctx context.Context, path string, limit int64) (value string, err error) {
	out, err := m.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	if err != nil {
		return "", fmt.Errorf("read %s from the metadata service: %w", path, err)
	}
	defer func() { err = errors.Join(err, out.Content.Close()) }()
	body, err := io.ReadAll(io.LimitReader(out.Content, limit+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s from the metadata service: %w", path, err)
	case int64(len(body)) > limit:
		return "", fmt.Errorf("read %s from the metadata service: %w", path, errTooLong)
	}
	return strings.TrimSpace(string(body)), nil
}

// optional gets what need not be there.
func (m *Metadata) optional(ctx context.Context, path string) (text string, there bool, err error) {
	text, err = m.read(ctx, path, maxNotice)
	if isNotFound(err) {
		return "", false, nil
	}
	return text, err == nil, err
}

// isNotFound tells that the service answered, and that what was asked for is
// not there: no such tag, or metadata tags are off.
func isNotFound(err error) bool {
	var response *smithyhttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound
}

// limited is a transport whose answers end at maxAnswer, whoever reads them:
// the SDK reads tokens and credentials to the end.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = limitedBody{io.LimitReader(res.Body, maxAnswer), res.Body}
	return res, nil
}

type limitedBody struct {
	io.Reader
	io.Closer
}
