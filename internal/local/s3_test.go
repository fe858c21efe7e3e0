package local_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

const bucket = "agents-of-test"

func (w *world) bucket() *s3.Client {
	w.t.Helper()
	api := w.s3(w.admin())
	_, err := api.CreateBucket(w.t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	noError(w.t, err)
	return api
}

func put(key, body string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body)}
}

func read(t *testing.T, out *s3.GetObjectOutput, err error) string {
	t.Helper()
	noError(t, err)
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	noError(t, err)
	return string(b)
}

func TestObjectsComeBackAsTheyWere(t *testing.T) {
	w := newWorld(t)
	api := w.bucket()
	body := strings.Repeat("agent ", 500_000)
	for _, key := range []string{"plain", "a/b c/d+e", "ünïcode/%25/~x", "dot/./../dot", "two//slashes"} {
		in := put(key, body)
		in.ContentType, in.Metadata = aws.String("application/gzip"), map[string]string{"build": "7"}
		_, err := api.PutObject(t.Context(), in)
		noError(t, err)
		out, err := api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
		if read(t, out, err) != body || *out.ContentType != "application/gzip" || out.Metadata["build"] != "7" {
			t.Errorf("%s came back otherwise", key)
		}
		head, err := api.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key})
		noError(t, err)
		if *head.ContentLength != int64(len(body)) {
			t.Errorf("%s is %d bytes", key, *head.ContentLength)
		}
	}
	part, err := api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("plain"), Range: aws.String("bytes=0-4")})
	if read(t, part, err) != "agent" {
		t.Error("the range is wrong")
	}
	_, err = api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("plain"), Range: aws.String("bytes=9999999-")})
	wantCode(t, err, "InvalidRange")
}

func TestConditionalPutHappensOnce(t *testing.T) {
	w := newWorld(t)
	api := w.bucket()
	in := put("k", "first")
	in.IfNoneMatch = aws.String("*")
	_, err := api.PutObject(t.Context(), in)
	noError(t, err)
	in.Body = strings.NewReader("second")
	_, err = api.PutObject(t.Context(), in)
	wantCode(t, err, "PreconditionFailed")
	out, err := api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	if got := read(t, out, err); got != "first" {
		t.Errorf("it is now %q", got)
	}
}

func TestS3Refuses(t *testing.T) {
	w := newWorld(t)
	api := w.bucket()
	b, ctx := aws.String(bucket), t.Context()
	_, err := api.PutObject(ctx, put("k", "v"))
	noError(t, err)
	europe := w.admin()
	europe.region = "eu-west-1"
	location := func(r string) *types.CreateBucketConfiguration {
		return &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(r)}
	}
	create := func(c who, in s3.CreateBucketInput) error {
		_, err := w.s3(c).CreateBucket(ctx, &in)
		return err
	}
	own := aws.String("prefix-123456789012-eu-west-1-an")
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"us-east-1 named":    {create(w.admin(), s3.CreateBucketInput{Bucket: aws.String("bkt-1"), CreateBucketConfiguration: location("us-east-1")}), "InvalidLocationConstraint"},
		"other region named": {create(w.admin(), s3.CreateBucketInput{Bucket: aws.String("bkt-1"), CreateBucketConfiguration: location("eu-west-1")}), "IllegalLocationConstraintException"},
		"no region named":    {create(europe, s3.CreateBucketInput{Bucket: aws.String("bkt-1")}), "IllegalLocationConstraintException"},
		"bad name":           {create(w.admin(), s3.CreateBucketInput{Bucket: aws.String("No_Name")}), "InvalidBucketName"},
		"address as a name":  {create(w.admin(), s3.CreateBucketInput{Bucket: aws.String("10.0.0.1")}), "InvalidBucketName"},
		"mine, elsewhere":    {create(europe, s3.CreateBucketInput{Bucket: b, CreateBucketConfiguration: location("eu-west-1")}), "BucketAlreadyOwnedByYou"},
		"namespace not asked for": {
			create(europe, s3.CreateBucketInput{Bucket: own, CreateBucketConfiguration: location("eu-west-1")}),
			"InvalidBucketName",
		},
		"namespace of another region": {
			create(w.admin(), s3.CreateBucketInput{Bucket: own, BucketNamespace: types.BucketNamespaceAccountRegional}),
			"InvalidBucketName",
		},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, c.err, c.code) })
	}
	noError(t, create(w.admin(), s3.CreateBucketInput{Bucket: b})) // the oldest region answers so to the owner
	noError(t, create(europe, s3.CreateBucketInput{Bucket: own, CreateBucketConfiguration: location("eu-west-1"), BucketNamespace: types.BucketNamespaceAccountRegional}))
	_, err = w.s3(w.admin()).HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("none")})
	wantCode(t, err, "NotFound")
	_, err = api.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("none")})
	wantCode(t, err, "NoSuchKey")
	_, err = api.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("no-such-bucket"), Key: aws.String("k")})
	wantCode(t, err, "NoSuchBucket")
	_, err = api.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), ExpectedBucketOwner: aws.String("999999999999")})
	wantCode(t, err, "AccessDenied")
	_, err = api.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	wantCode(t, err, "BucketNotEmpty")
	_, err = api.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
	wantCode(t, err, "NotImplemented")
	wrong := put("sum", "v")
	wrong.ChecksumSHA256 = aws.String("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	_, err = api.PutObject(ctx, wrong)
	wantCode(t, err, "BadDigest")
	reader := w.user("reader", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::`+bucket+`/*"}}`)
	_, err = w.s3(reader).GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("none")})
	wantCode(t, err, "AccessDenied") // who may not list does not learn what is not there
	_, err = w.s3(reader).PutObject(ctx, put("k", "w"))
	wantCode(t, err, "AccessDenied")
}

func TestListing(t *testing.T) {
	w := newWorld(t)
	api := w.bucket()
	for i := range 25 {
		_, err := api.PutObject(t.Context(), put(fmt.Sprintf("d%d/k%02d", i%3, i), "v"))
		noError(t, err)
	}
	var keys []string
	pages := s3.NewListObjectsV2Paginator(api, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), MaxKeys: aws.Int32(10)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		noError(t, err)
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	if len(keys) != 25 || keys[0] != "d0/k00" || keys[24] != "d2/k23" {
		t.Errorf("listed %v", keys)
	}
	out, err := api.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Delimiter: aws.String("/")})
	noError(t, err)
	if len(out.CommonPrefixes) != 3 || len(out.Contents) != 0 {
		t.Errorf("rolled up to %v", out.CommonPrefixes)
	}
	for _, k := range keys {
		_, err := api.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &k})
		noError(t, err)
	}
	_, err = api.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(bucket)})
	noError(t, err)
	left, err := os.ReadDir(filepath.Join(w.dir, "objects"))
	noError(t, err)
	if len(left) != 0 {
		t.Errorf("%d bodies are left", len(left))
	}
}

func TestPresignedURL(t *testing.T) {
	w := newWorld(t)
	api := w.bucket()
	_, err := api.PutObject(t.Context(), put("a b", "secret"))
	noError(t, err)
	signed, err := s3.NewPresignClient(api).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("a b")},
		s3.WithPresignExpires(10*time.Minute))
	noError(t, err)
	get := func(u string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		noError(t, err)
		return w.do(r)
	}
	if status, body := get(signed.URL); status != 200 || body != "secret" {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := get(strings.Replace(signed.URL, "a%20b", "other", 1)); status != 403 {
		t.Errorf("another key by the same signature: %d", status)
	}
	noError(t, w.clock.Advance(11*time.Minute))
	if status, body := get(signed.URL); status != 403 || !strings.Contains(body, "Request has expired") {
		t.Errorf("after its time: %d %s", status, body)
	}
}

// chunked is the upload in chunks with a checksum behind them, as SDKs send it
// over TLS. Its signature covers no body.
func (w *world) chunked(body string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, w.url+"/"+bucket+"/chunked", strings.NewReader(body))
	noError(w.t, err)
	for name, value := range map[string]string{
		"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Encoding": "aws-chunked",
		"X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": "9",
	} {
		r.Header.Set(name, value)
	}
	w.sign(r, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	return r
}

func TestChunkedUpload(t *testing.T) {
	w := newWorld(t)
	api := w.bucket()
	const sum = "x-amz-checksum-crc32:y/Q5Jg==\r\n\r\n" // of 123456789
	good := "5\r\n12345\r\n4;ext=1\r\n6789\r\n0\r\n" + sum
	if status, body := w.do(w.chunked(good)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	out, err := api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("chunked")})
	if got := read(t, out, err); got != "123456789" {
		t.Errorf("got %q", got)
	}
	if out.ContentEncoding != nil {
		t.Errorf("it is kept with the encoding %s", *out.ContentEncoding)
	}
	for name, bad := range map[string]string{
		"wrong checksum": strings.Replace(good, "y/Q5", "z/Q5", 1),
		"cut off":        good[:20],
		"no trailer":     "9\r\n123456789\r\n0\r\n\r\n",
		"wrong length":   "4\r\n1234\r\n0\r\nx-amz-checksum-crc32:m+POow==\r\n\r\n",
		"no length":      "x\r\n",
		"more behind":    good + "x",
	} {
		if status, body := w.do(w.chunked(bad)); status != 400 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestAlteredUploadIsRefused(t *testing.T) {
	w := newWorld(t)
	w.bucket()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.url+"/"+bucket+"/k", bytes.NewReader([]byte("altered")))
	noError(t, err)
	r.Header.Set("X-Amz-Content-Sha256", sha256Hex("original"))
	w.sign(r, sha256Hex("original"))
	if status, body := w.do(r); status != 400 || !strings.Contains(body, "XAmzContentSHA256Mismatch") {
		t.Errorf("%d %s", status, body)
	}
}

func TestVirtualHostStyle(t *testing.T) {
	w := newWorld(t)
	api := w.bucket()
	_, err := api.PutObject(t.Context(), put("k", "v"))
	noError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/k", nil)
	noError(t, err)
	r.Host = bucket + ".localhost"
	r.Header.Set("X-Amz-Content-Sha256", sha256Hex(""))
	w.sign(r, sha256Hex(""))
	if status, body := w.do(r); status != 200 || body != "v" {
		t.Errorf("%d %s", status, body)
	}
}
