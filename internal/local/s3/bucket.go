package s3

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// legacyRegion is the one region that buckets have when none is named, and
// that must not be named.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
const legacyRegion = "us-east-1"

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]+[a-z0-9]$`)

// checkBucketName holds a name to the naming rules.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func checkBucketName(name string) error {
	_, ipErr := netip.ParseAddr(name)
	reserved := strings.HasPrefix(name, "xn--") || strings.HasPrefix(name, "sthree-") || strings.HasPrefix(name, "amzn-s3-demo-") ||
		strings.HasSuffix(name, "-s3alias") || strings.HasSuffix(name, "--ol-s3") || strings.HasSuffix(name, ".mrap") || strings.HasSuffix(name, "--x-s3")
	if len(name) > 63 || !bucketForm.MatchString(name) || strings.Contains(name, "..") || ipErr == nil || reserved {
		return wire.Errorf("InvalidBucketName", "The specified bucket is not valid.")
	}
	return nil
}

// checkNamespace holds a name to the account's own namespace, whose names end
// in account and region: such a name must be asked for there, and only the
// account can.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
func checkNamespace(c *call.Caller, namespace, name string) error {
	suffix := "-" + c.Account + "-" + c.Region + "-an"
	switch namespace {
	case "", "global":
		if strings.HasSuffix(name, "-an") {
			return wire.Errorf("InvalidBucketName", "Names that end in -an are of account regional namespaces, which must be asked for")
		}
	case "account-regional":
		if c.Region == "me-south-1" || c.Region == "me-central-1" {
			return wire.Errorf("InvalidRequest", "The region %s has no account regional namespaces", c.Region)
		}
		if !strings.HasSuffix(name, suffix) || len(name) == len(suffix) {
			return wire.Errorf("InvalidBucketName", "The name of a bucket in this account regional namespace ends in %s", suffix)
		}
	default:
		return wire.Errorf("InvalidArgument", "The bucket namespace %q is none of global and account-regional", namespace)
	}
	return nil
}

// readLocation reads the body of CreateBucket: the region it names, or none.
func readLocation(body io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil || len(text) == 0 {
		return "", err
	}
	var in struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
		Others             []struct{ XMLName xml.Name } `xml:",any"`
	}
	if err := xml.Unmarshal(text, &in); err != nil {
		return "", wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	for _, o := range in.Others {
		return "", errNotImplemented("the element " + o.XMLName.Local)
	}
	return in.LocationConstraint, nil
}

// createBucket makes a bucket in the region that the request was signed for.
func (s *Service) createBucket(c *call.Caller, r Request) (*Answer, error) {
	namespace := r.HTTP.Header.Get("X-Amz-Bucket-Namespace")
	if err := checkBucketName(r.Bucket); err != nil {
		return nil, err
	}
	location, err := readLocation(r.Body)
	if err != nil {
		return nil, err
	}
	keys := policy.Context{}
	if location != "" {
		keys.Set("s3:LocationConstraint", location)
	}
	if err := c.Require("s3:CreateBucket", bucketARN(r.Bucket), keys); err != nil {
		return nil, err
	}
	switch {
	case location == legacyRegion:
		return nil, wire.Errorf("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case location == "" && c.Region != legacyRegion:
		return nil, wire.Errorf("IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case location != "" && location != c.Region:
		return nil, wire.Errorf("IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", location)
	}
	if err := checkNamespace(c, namespace, r.Bucket); err != nil {
		return nil, err
	}
	err = s.store.Update(func(tx *store.Tx) error {
		old, taken := s.buckets.Get(tx, r.Bucket)
		switch {
		case taken && old.Owner != c.Account:
			return wire.Statusf(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		case taken && (c.Region != legacyRegion || old.Region != legacyRegion):
			return wire.Statusf(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		case taken: // the oldest region alone answers as if it had just been made
			return nil
		}
		s.buckets.Put(tx, r.Bucket, Bucket{Name: r.Bucket, Region: c.Region, Owner: c.Account, Created: tx.Now()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Answer{Status: http.StatusOK, Header: http.Header{"Location": {"/" + r.Bucket}}}, nil
}

func (s *Service) headBucket(c *call.Caller, r Request) (*Answer, error) {
	err := s.store.View(func(tx *store.Tx) error {
		_, err := s.bucket(tx, c, r, "ListBucket", bucketARN(r.Bucket), nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Answer{Status: http.StatusOK, Header: http.Header{"X-Amz-Bucket-Region": {c.Region}}}, nil
}

func (s *Service) deleteBucket(c *call.Caller, r Request) (*Answer, error) {
	err := s.store.Update(func(tx *store.Tx) error {
		b, err := s.bucket(tx, c, r, "DeleteBucket", bucketARN(r.Bucket), nil)
		if err != nil {
			return err
		}
		for _, o := range s.objects.All(tx) {
			if o.Bucket == b.Name {
				return wire.Statusf(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
			}
		}
		s.buckets.Delete(tx, b.Name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Answer{Status: http.StatusNoContent}, nil
}
