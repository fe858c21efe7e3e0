package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/auth"
)

const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// request is a request as it came over the wire.
func request(text string) *http.Request {
	head, _, _ := strings.Cut(text, "\n")
	method, url, _ := strings.Cut(head, " ")
	r := httptest.NewRequest(method, url, nil)
	for _, line := range strings.Split(text, "\n")[1:] {
		if name, value, found := strings.Cut(line, ": "); found {
			r.Header.Set(name, value)
		}
	}
	return r
}

// The examples are AWS's own, with the signatures that its documentation gives.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func TestDocumentedSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		text, secret, bodyHash string
		now                    time.Time
	}{
		"IAM by headers": {
			`GET https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08
Content-Type: application/x-www-form-urlencoded; charset=utf-8
X-Amz-Date: 20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7`,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", emptySHA256, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC),
		},
		"S3 by headers": {
			`GET https://examplebucket.s3.amazonaws.com/test.txt
Range: bytes=0-9
X-Amz-Content-Sha256: ` + emptySHA256 + `
X-Amz-Date: 20130524T000000Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`,
			"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", emptySHA256, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC),
		},
		"S3 presigned": {
			`GET https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`,
			"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", auth.UnsignedPayload, time.Date(2013, 5, 24, 23, 0, 0, 0, time.UTC),
		},
	} {
		t.Run(name, func(t *testing.T) {
			verify := func(text, secret, hash string, now time.Time) auth.Reason {
				r := request(text)
				s, err := auth.ReadScope(r)
				if err == nil {
					err = auth.Verify(r, s, auth.Secret{Key: secret}, hash, now)
				}
				var f *auth.Error
				if errors.As(err, &f) {
					return f.Reason
				}
				return 0
			}
			if got := verify(c.text, c.secret, c.bodyHash, c.now); got != 0 {
				t.Fatalf("refused for reason %d", got)
			}
			if got := verify(c.text, c.secret+"x", c.bodyHash, c.now); got != auth.Mismatch {
				t.Errorf("a wrong secret: reason %d", got)
			}
			if got := verify(c.text, c.secret, strings.Repeat("0", 64), c.now); got != auth.Mismatch {
				t.Errorf("another body: reason %d", got)
			}
			if got := verify(strings.Replace(c.text, ".com/", ".com/x", 1), c.secret, c.bodyHash, c.now); got != auth.Mismatch {
				t.Errorf("another path: reason %d", got)
			}
			if got := verify(c.text+"\nX-Amz-Meta-Added: x", c.secret, c.bodyHash, c.now); got != auth.Mismatch {
				t.Errorf("a header that was not signed: reason %d", got)
			}
			if got := verify(c.text, c.secret, c.bodyHash, c.now.Add(48*time.Hour)); got != auth.Skewed && got != auth.Expired {
				t.Errorf("two days later: reason %d", got)
			}
		})
	}
}

// A signature covers all that it says it covers: whatever of it is altered on
// the way, the request is refused.
func TestAlteredRequestsAreRefused(t *testing.T) {
	const (
		byHeaders = `GET https://examplebucket.s3.amazonaws.com/test.txt?a=1
Range: bytes=0-9
X-Amz-Content-Sha256: ` + emptySHA256 + `
X-Amz-Date: 20130524T000000Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=SIGNATURE`
		presigned = `GET https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=SIGNATURE`
	)
	now := time.Date(2013, 5, 24, 0, 1, 0, 0, time.UTC)
	secret := auth.Secret{Key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	verify := func(text, signature string, now time.Time) auth.Reason {
		r := request(strings.Replace(text, "SIGNATURE", signature, 1))
		s, err := auth.ReadScope(r)
		if err == nil {
			hash := emptySHA256
			if s.Presigned {
				hash = auth.UnsignedPayload
			}
			err = auth.Verify(r, s, secret, hash, now)
		}
		var f *auth.Error
		if errors.As(err, &f) {
			return f.Reason
		}
		return 0
	}
	// The first is byHeaders' own, worked out by the SDK's signer; the second is documented.
	const headerSignature, querySignature = "3b1c0c52ed30049bf03c96c8e0ccaa684e04c5a9a1a942782c8c961b241aea20", "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	for _, c := range []struct {
		text, signature, from, to string
		want                      auth.Reason
	}{
		{byHeaders, headerSignature, "", "", 0},
		{byHeaders, headerSignature, "bytes=0-9", "bytes=0-99", auth.Mismatch},
		{byHeaders, headerSignature, "bytes=0-9", "bytes=0-9\nRange: bytes=10-", auth.Mismatch},
		{byHeaders, headerSignature, "GET ", "DELETE ", auth.Mismatch},
		{byHeaders, headerSignature, "a=1", "a=2", auth.Mismatch},
		{byHeaders, headerSignature, "a=1", "a=1&b=2", auth.Mismatch},
		{byHeaders, headerSignature, "examplebucket.", "otherbucket.", auth.Mismatch},
		{byHeaders, headerSignature, "000000Z", "000100Z", auth.Mismatch},
		{byHeaders, headerSignature, "/us-east-1/", "/us-west-2/", auth.Mismatch},
		{byHeaders, headerSignature, "/s3/", "/ec2/", auth.Mismatch},
		{byHeaders, headerSignature, "host;range;", "host;", auth.Mismatch},
		{byHeaders, headerSignature, "host;range;x-amz-content-sha256;x-amz-date", "range;x-amz-content-sha256;x-amz-date", auth.Malformed},
		{byHeaders, headerSignature, "/20130524/", "/20130525/", auth.Malformed},
		{presigned, querySignature, "", "", 0},
		{presigned, querySignature, "Expires=86400", "Expires=604800", auth.Mismatch},
		{presigned, querySignature, "Expires=86400", "Expires=604801", auth.Malformed},
		{presigned, querySignature, "Expires=86400", "Expires=-1", auth.Malformed},
		{presigned, querySignature, "test.txt", "other.txt", auth.Mismatch},
		{presigned, querySignature, "GET ", "PUT ", auth.Mismatch},
		{presigned, querySignature, "examplebucket.", "otherbucket.", auth.Mismatch},
		{presigned, querySignature, "X-Amz-Expires", "response-content-type=text%2Fhtml&X-Amz-Expires", auth.Mismatch},
		{presigned, querySignature, "SIGNATURE", "SIGNATURE\nX-Amz-Acl: public-read", auth.Mismatch},
	} {
		if got := verify(strings.Replace(c.text, c.from, c.to, 1), c.signature, now); got != c.want {
			t.Errorf("%q for %q: reason %d, want %d", c.to, c.from, got, c.want)
		}
	}
	start := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration][2]auth.Reason{
		-auth.MaxSkew - time.Second: {auth.Skewed, auth.Skewed},
		-auth.MaxSkew:               {0, 0},
		auth.MaxSkew:                {0, 0},
		auth.MaxSkew + time.Second:  {auth.Skewed, 0},
		24*time.Hour - time.Second:  {auth.Skewed, 0},
		24 * time.Hour:              {auth.Skewed, auth.Expired},
	} {
		if got := [2]auth.Reason{verify(byHeaders, headerSignature, start.Add(after)), verify(presigned, querySignature, start.Add(after))}; got != want {
			t.Errorf("%s after its date: reasons %d, want %d", after, got, want)
		}
	}
}

func TestSessions(t *testing.T) {
	const text = `GET https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08
Content-Type: application/x-www-form-urlencoded; charset=utf-8
X-Amz-Date: 20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7`
	now := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	r := request(text)
	s, err := auth.ReadScope(r)
	if err != nil {
		t.Fatal(err)
	}
	for want, secret := range map[auth.Reason]auth.Secret{
		auth.BadToken: {Key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Token: "t", Expires: now.Add(time.Hour)},
		auth.Expired:  {Key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Expires: now},
	} {
		var f *auth.Error
		if err := auth.Verify(r, s, secret, emptySHA256, now); !errors.As(err, &f) || f.Reason != want {
			t.Errorf("got %v, want reason %d", err, want)
		}
	}
}

func FuzzReadScope(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host, Signature=x", "20150830T123600Z", "/?a=b&a=%zz")
	f.Add("", "", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20150830%2Fr%2Fs%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=9&X-Amz-SignedHeaders=host&X-Amz-Signature=x")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
		_, r.URL.RawQuery, _ = strings.Cut(query, "?")
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		s, err := auth.ReadScope(r)
		if err == nil {
			err = auth.Verify(r, s, auth.Secret{Key: "secret that the fuzzer does not know"}, emptySHA256, time.Now())
		}
		var failure *auth.Error
		if !errors.As(err, &failure) {
			t.Errorf("got %v, want an *Error", err)
		}
	})
}
