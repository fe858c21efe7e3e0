package s3

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// maxKeys is the most keys in a page, and what a page has unless less is asked.
const maxKeys = 1000

type listing struct {
	Name       string         `xml:"Name"`
	Prefix     string         `xml:"Prefix"`
	Delimiter  string         `xml:"Delimiter,omitempty"`
	StartAfter string         `xml:"StartAfter,omitempty"`
	Encoding   string         `xml:"EncodingType,omitempty"`
	Count      int            `xml:"KeyCount"`
	Max        int            `xml:"MaxKeys"`
	Truncated  bool           `xml:"IsTruncated"`
	Token      string         `xml:"ContinuationToken,omitempty"`
	Next       string         `xml:"NextContinuationToken,omitempty"`
	Contents   []listedObject `xml:"Contents"`
	Prefixes   []listedPrefix `xml:"CommonPrefixes"`
}

type listedObject struct {
	Key      string `xml:"Key"`
	Modified string `xml:"LastModified"`
	ETag     string `xml:"ETag"`
	Size     int64  `xml:"Size"`
	Class    string `xml:"StorageClass"`
}

type listedPrefix struct {
	Prefix string `xml:"Prefix"`
}

// listObjects lists keys in order; those that have the delimiter behind the
// prefix are rolled up to their common beginning.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (s *Service) listObjects(c *call.Caller, r Request) (*Answer, error) {
	q := queryOf(r)
	out := listing{
		Name: r.Bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), StartAfter: q.Get("start-after"),
		Encoding: q.Get("encoding-type"), Token: q.Get("continuation-token"), Max: maxKeys,
	}
	if out.Encoding != "" && out.Encoding != "url" {
		return nil, wire.Errorf("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	if q.Get("fetch-owner") == "true" {
		return nil, errNotImplemented("fetch-owner")
	}
	if q.Has("max-keys") {
		n, err := strconv.Atoi(q.Get("max-keys"))
		if err != nil || n < 0 {
			return nil, wire.Errorf("InvalidArgument", "Provided max-keys not an integer or within integer range")
		}
		out.Max = min(n, maxKeys)
	}
	after := ""
	if out.Token != "" {
		b, err := base64.URLEncoding.DecodeString(out.Token)
		if err != nil {
			return nil, wire.Errorf("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(b)
	}
	var keys []Object
	err := s.store.View(func(tx *store.Tx) error {
		context := policy.Context{}
		context.Set("s3:prefix", out.Prefix)
		context.Set("s3:delimiter", out.Delimiter)
		if _, err := s.bucket(tx, c, r, "ListBucket", bucketARN(r.Bucket), context); err != nil {
			return err
		}
		for _, o := range s.objects.All(tx) {
			if o.Bucket == r.Bucket && strings.HasPrefix(o.Key, out.Prefix) {
				keys = append(keys, o)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(keys, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	out.fill(keys, after)
	return xmlAnswer("ListBucketResult", &out)
}

// fill takes the page that comes after a key or common beginning.
func (l *listing) fill(keys []Object, after string) {
	encode := func(s string) string { return s }
	if l.Encoding == "url" {
		encode = func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }
	}
	last := ""
	for _, o := range keys {
		name, rolled := l.rollUp(o.Key)
		if o.Key <= l.StartAfter || name <= after || (rolled && name == last) {
			continue
		}
		if l.Count == l.Max {
			l.Truncated = l.Max > 0
			l.Next = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		l.Count, last = l.Count+1, name
		if rolled {
			l.Prefixes = append(l.Prefixes, listedPrefix{encode(name)})
			continue
		}
		l.Contents = append(l.Contents, listedObject{encode(o.Key), wire.Time(o.Modified), o.ETag, o.Size, "STANDARD"})
	}
	if !l.Truncated {
		l.Next = ""
	}
	l.Prefix, l.Delimiter, l.StartAfter = encode(l.Prefix), encode(l.Delimiter), encode(l.StartAfter)
}

func (l *listing) rollUp(key string) (name string, rolled bool) {
	if l.Delimiter == "" {
		return key, false
	}
	if at := strings.Index(key[len(l.Prefix):], l.Delimiter); at >= 0 {
		return key[:len(l.Prefix)+at+len(l.Delimiter)], true
	}
	return key, false
}

// deleteObject succeeds as well for a key that is not there.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (s *Service) deleteObject(c *call.Caller, r Request) (*Answer, error) {
	err := s.store.Update(func(tx *store.Tx) error {
		if _, err := s.bucket(tx, c, r, "DeleteObject", objectARN(r.Bucket, r.Key), nil); err != nil {
			return err
		}
		if o, found := s.objects.Get(tx, objectRow(r.Bucket, r.Key)); found {
			s.objects.Delete(tx, objectRow(r.Bucket, r.Key))
			return s.dropBody(tx, o.SHA256)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Answer{Status: http.StatusNoContent}, nil
}
