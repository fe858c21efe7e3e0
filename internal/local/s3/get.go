package s3

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// object finds an object for reading and, if open, opens its body in the same
// transaction, so that nobody deletes it in between. Whoever may not list the
// bucket does not learn that a key is not there.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *Service) object(c *call.Caller, r Request, open bool) (o Object, body *os.File, err error) {
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.HTTP.Header.Get(name) != "" {
			return o, nil, errNotImplemented("the header " + name)
		}
	}
	err = s.store.View(func(tx *store.Tx) error {
		if _, err := s.bucket(tx, c, r, "GetObject", objectARN(r.Bucket, r.Key), nil); err != nil {
			return err
		}
		var found bool
		if o, found = s.objects.Get(tx, objectRow(r.Bucket, r.Key)); !found {
			if err := c.Require("s3:ListBucket", bucketARN(r.Bucket), nil); err != nil {
				return err
			}
			return wire.Statusf(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		}
		if !open {
			return nil
		}
		var err error
		if body, err = os.Open(s.bodyFile(o.SHA256)); err != nil {
			return fmt.Errorf("open the body of %s/%s: %w", o.Bucket, o.Key, err)
		}
		return nil
	})
	return o, body, err
}

func (o Object) header(r Request) http.Header {
	h := http.Header{}
	h.Set("Etag", o.ETag)
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	h.Set("Content-Type", o.ContentType)
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	if o.Encoding != "" {
		h.Set("Content-Encoding", o.Encoding)
	}
	// In lower case, as S3 has them: boto3 makes the key A of X-Amz-Meta-A.
	// https://docs.aws.amazon.com/amazonq/detector-library/java/s3-object-user-metadata-key-case-sensitivity
	for k, v := range o.Metadata {
		h["x-amz-meta-"+k] = []string{v}
	}
	if r.HTTP.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && o.Checksum[0] != "" {
		h.Set(o.Checksum[0], o.Checksum[1])
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	return h
}

func (s *Service) headObject(c *call.Caller, r Request) (*Answer, error) {
	if r.HTTP.Header.Get("Range") != "" {
		return nil, errNotImplemented("Range with HEAD")
	}
	o, _, err := s.object(c, r, false)
	if err != nil {
		return nil, err
	}
	return &Answer{Status: http.StatusOK, Header: o.header(r), Length: o.Size}, nil
}

func (s *Service) getObject(c *call.Caller, r Request) (*Answer, error) {
	o, body, err := s.object(c, r, true)
	if err != nil {
		return nil, err
	}
	answer := &Answer{Status: http.StatusOK, Header: o.header(r), Length: o.Size, Body: body}
	wanted := r.HTTP.Header.Get("Range")
	if wanted == "" {
		return answer, nil
	}
	first, last, err := readRange(wanted, o.Size)
	if err == nil {
		_, err = body.Seek(first, io.SeekStart)
	}
	if err != nil {
		_ = body.Close() // it was only read
		return nil, err
	}
	answer.Status, answer.Length = http.StatusPartialContent, last-first+1
	answer.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, o.Size))
	if o.Checksum[0] != "" {
		answer.Header.Del(o.Checksum[0]) // it is of the whole
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, answer.Length), body}
	return answer, nil
}

// readRange reads the one range of bytes that S3 gives.
func readRange(text string, size int64) (first, last int64, err error) {
	refused := wire.Statusf(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	from, to, found := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if !found || !strings.HasPrefix(text, "bytes=") || strings.Contains(to, ",") {
		return 0, 0, refused
	}
	last = size - 1
	if from == "" { // the last so many bytes
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil || n <= 0 || size == 0 {
			return 0, 0, refused
		}
		return max(0, size-n), last, nil
	}
	if first, err = strconv.ParseInt(from, 10, 64); err != nil || first < 0 || first >= size {
		return 0, 0, refused
	}
	if to != "" {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil || n < first {
			return 0, 0, refused
		}
		last = min(last, n)
	}
	return first, last, nil
}
