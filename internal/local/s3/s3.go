// Package s3 is S3 of the local cloud: buckets and whole objects. An object's
// body is a file, named by its content, in the cloud's folder; all else is
// state.
//
// It has no versions, no multipart uploads, no access lists and no other
// people's buckets to read. A header or query that asks for what it does not
// do is refused.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
package s3

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// MaxObject is the largest body that is taken, in bytes.
const MaxObject = 1 << 30

// Service is S3 of one account.
type Service struct {
	account string
	dir     string // of the bodies
	store   *store.Store
	buckets *store.Table[Bucket]
	objects *store.Table[Object]
}

// Bucket is a bucket; its key in the table is its name, which is global.
type Bucket struct {
	Name, Region string
	Owner        string // the account
	Created      time.Time
}

// Object is an object; its key in the table is the bucket and its key.
type Object struct {
	Bucket, Key string
	Size        int64
	SHA256      string // in hex; names the body's file
	ETag        string // with its quotes
	ContentType string
	Encoding    string            // Content-Encoding
	Metadata    map[string]string // x-amz-meta-*, in lower case
	Checksum    [2]string         // its header's name and value; empty: none was sent
	Modified    time.Time
}

// New adds S3's tables to s. Bodies are kept below dir.
func New(s *store.Store, account, dir string) (*Service, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for objects: %w", err)
	}
	return &Service{
		account: account, dir: dir, store: s,
		buckets: store.NewTable[Bucket](s), objects: store.NewTable[Object](s),
	}, nil
}

// Request is a request whose signature was verified.
type Request struct {
	HTTP        *http.Request
	Bucket, Key string
	Body        io.Reader // fails at its end if it is not what was signed
	Chunked     bool      // in aws-chunked encoding
}

// Answer is a successful answer. Body may be nil.
type Answer struct {
	Status int
	Header http.Header
	Length int64 // of the body; it counts for HEAD as well, which has none
	Body   io.ReadCloser
}

// handler does an action.
type handler func(s *Service, c *call.Caller, r Request) (*Answer, error)

// Action names what a request asks for.
func Action(r *http.Request, bucket, key string) (name string, err error) {
	name, _, err = route(r, bucket, key)
	return name, err
}

// Do does what a request asks for. An error that is not a *wire.Error is a
// fault of this cloud.
func (s *Service) Do(c *call.Caller, r Request) (*Answer, error) {
	_, h, err := route(r.HTTP, r.Bucket, r.Key)
	if err != nil {
		return nil, err
	}
	if err := checkHeaders(r.HTTP.Header); err != nil {
		return nil, err
	}
	return h(s, c, r)
}

// route finds the action by method, path and query. A query that names a part
// of a bucket or object that is not here is refused, never overlooked.
func route(r *http.Request, bucket, key string) (string, handler, error) {
	list := false
	for name, values := range r.URL.Query() {
		switch {
		case name == "list-type" && slices.Equal(values, []string{"2"}):
			list = true
		case name == "x-id" || strings.HasPrefix(name, "X-Amz-"):
		case r.Method == http.MethodGet && key == "" && isListParameter(name):
		default:
			return "", nil, errNotImplemented("the query parameter " + name)
		}
	}
	switch {
	case bucket == "":
	case key == "" && r.Method == http.MethodPut:
		return "CreateBucket", (*Service).createBucket, nil
	case key == "" && r.Method == http.MethodHead:
		return "HeadBucket", (*Service).headBucket, nil
	case key == "" && r.Method == http.MethodDelete:
		return "DeleteBucket", (*Service).deleteBucket, nil
	case key == "" && r.Method == http.MethodGet && list:
		return "ListObjectsV2", (*Service).listObjects, nil
	case key == "":
	case r.Method == http.MethodPut:
		return "PutObject", (*Service).putObject, nil
	case r.Method == http.MethodGet:
		return "GetObject", (*Service).getObject, nil
	case r.Method == http.MethodHead:
		return "HeadObject", (*Service).headObject, nil
	case r.Method == http.MethodDelete:
		return "DeleteObject", (*Service).deleteObject, nil
	}
	return "", nil, errNotImplemented(r.Method + " " + r.URL.Path)
}

func isListParameter(name string) bool {
	return slices.Contains([]string{"prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type", "fetch-owner"}, name)
}

// checkHeaders refuses a header that asks for what this S3 does not do.
func checkHeaders(h http.Header) error {
	known := []string{
		"date", "content-sha256", "security-token", "sdk-checksum-algorithm", "trailer", "decoded-content-length",
		"expected-bucket-owner", "checksum-mode", "bucket-namespace", "user-agent",
	}
	for name := range h {
		short, ours := strings.CutPrefix(strings.ToLower(name), "x-amz-")
		if !ours || slices.Contains(known, short) || strings.HasPrefix(short, "meta-") || strings.HasPrefix(short, "checksum-") {
			continue
		}
		return errNotImplemented("the header " + name)
	}
	return nil
}

func errNotImplemented(what string) *wire.Error {
	return wire.Statusf(http.StatusNotImplemented, "NotImplemented", "A header or query you provided implies functionality that is not implemented: %s", what)
}

// bucket finds a bucket for a caller who wants to do something with it or with
// what is in it. It must be where the caller signed for, and the expected
// owner's.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (s *Service) bucket(tx *store.Tx, c *call.Caller, r Request, action, resource string, keys policy.Context) (Bucket, error) {
	b, found := s.buckets.Get(tx, r.Bucket)
	if !found {
		return Bucket{}, wire.Statusf(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	if b.Region != c.Region {
		e := wire.Statusf(http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
		e.Region = b.Region
		return Bucket{}, e
	}
	if expected := r.HTTP.Header.Get("X-Amz-Expected-Bucket-Owner"); expected != "" && expected != b.Owner {
		return Bucket{}, wire.Statusf(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	context := policy.Context{}.Merge(keys)
	context.Set("aws:ResourceAccount", b.Owner)
	context.Set("s3:ResourceAccount", b.Owner)
	if err := c.Require("s3:"+action, resource, context); err != nil {
		return Bucket{}, err
	}
	if b.Owner != c.Account { // no bucket here has a policy that lets others in
		return Bucket{}, wire.Statusf(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return b, nil
}

func bucketARN(bucket string) string { return "arn:aws:s3:::" + bucket }

func objectARN(bucket, key string) string { return "arn:aws:s3:::" + bucket + "/" + key }

func objectRow(bucket, key string) string { return bucket + "/" + key }

// bodyFile is where the body with a hash is kept.
func (s *Service) bodyFile(sha256 string) string { return filepath.Join(s.dir, sha256) }

func xmlAnswer(root string, output any) (*Answer, error) {
	b, err := wire.S3().Document(root, output)
	if err != nil {
		return nil, err
	}
	return &Answer{
		Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/xml"}},
		Length: int64(len(b)), Body: io.NopCloser(strings.NewReader(string(b))),
	}, nil
}

// queryOf is a request's query, read once more: it was parsed before.
func queryOf(r Request) url.Values { return r.HTTP.URL.Query() }
