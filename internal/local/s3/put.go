package s3

import (
	"crypto/md5" //nolint:gosec // S3's ETag is defined as MD5
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// putObject takes a whole body and only then, at once, makes it the object.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (s *Service) putObject(c *call.Caller, r Request) (*Answer, error) {
	condition := r.HTTP.Header.Get("If-None-Match")
	if (condition != "" && condition != "*") || r.HTTP.Header.Get("If-Match") != "" {
		return nil, errNotImplemented("a condition other than If-None-Match: *")
	}
	if len(r.Key) > 1024 {
		return nil, wire.Errorf("KeyTooLongError", "Your key is too long")
	}
	allowed := func(tx *store.Tx) error {
		_, err := s.bucket(tx, c, r, "PutObject", objectARN(r.Bucket, r.Key), nil)
		return err
	}
	if err := s.store.View(allowed); err != nil { // before the body is read
		return nil, err
	}
	o, file, err := s.receive(r)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(func(tx *store.Tx) error {
		if err := allowed(tx); err != nil { // the bucket may be gone by now
			return err
		}
		old, found := s.objects.Get(tx, objectRow(r.Bucket, r.Key))
		if found && condition == "*" {
			return wire.Statusf(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		}
		if err := os.Rename(file, s.bodyFile(o.SHA256)); err != nil {
			return fmt.Errorf("keep the body: %w", err)
		}
		o.Modified = tx.Now()
		s.objects.Put(tx, objectRow(r.Bucket, r.Key), o)
		if found && old.SHA256 != o.SHA256 {
			return s.dropBody(tx, old.SHA256)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, removeIfThere(file))
	}
	h := http.Header{"Etag": {o.ETag}}
	if o.Checksum[0] != "" {
		h.Set(o.Checksum[0], o.Checksum[1])
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	return &Answer{Status: http.StatusOK, Header: h}, nil
}

// receive reads a body into a file of its own and checks every checksum that
// came with it.
func (s *Service) receive(r Request) (o Object, file string, err error) {
	f, err := os.CreateTemp(s.dir, "upload-")
	if err != nil {
		return o, "", fmt.Errorf("make a file for the body: %w", err)
	}
	file = f.Name()
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("write the body: %w", closeErr)
		}
		if err != nil {
			err = errors.Join(err, removeIfThere(file))
		}
	}()
	body, trailer := r.Body, func() http.Header { return nil }
	if r.Chunked {
		chunks := newChunkReader(r.Body)
		body, trailer = chunks, func() http.Header { return chunks.trailer }
	}
	sum, err := wantedChecksum(r.HTTP.Header)
	if err != nil {
		return o, file, err
	}
	content, tag := sha256.New(), md5.New() //nolint:gosec // see the import
	o.Size, err = io.Copy(io.MultiWriter(f, content, tag, sum), io.LimitReader(body, MaxObject+1))
	if err != nil {
		return o, file, err
	}
	if o.Size > MaxObject {
		return o, file, wire.Errorf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	}
	if want := r.HTTP.Header.Get("Content-Md5"); want != "" && want != encodeSum(tag) {
		return o, file, wire.Errorf("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	if o.Checksum, err = sum.check(r.HTTP.Header, trailer()); err != nil {
		return o, file, err
	}
	if err := checkLength(r, o.Size); err != nil {
		return o, file, err
	}
	o.SHA256, o.ETag = hex.EncodeToString(content.Sum(nil)), `"`+hex.EncodeToString(tag.Sum(nil))+`"`
	describe(&o, r)
	return o, file, nil
}

// describe takes from the headers what is kept with the object.
func describe(o *Object, r Request) {
	o.Bucket, o.Key = r.Bucket, r.Key
	o.ContentType = r.HTTP.Header.Get("Content-Type")
	if o.ContentType == "" {
		o.ContentType = "binary/octet-stream"
	}
	var encodings []string
	for e := range strings.SplitSeq(r.HTTP.Header.Get("Content-Encoding"), ",") {
		if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
			encodings = append(encodings, e)
		}
	}
	o.Encoding = strings.Join(encodings, ",")
	o.Metadata = map[string]string{}
	for name, values := range r.HTTP.Header {
		if key, found := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); found {
			o.Metadata[key] = strings.Join(values, ",")
		}
	}
}

func checkLength(r Request, size int64) error {
	want := r.HTTP.Header.Get("X-Amz-Decoded-Content-Length")
	if r.Chunked && want != fmt.Sprint(size) {
		return wire.Errorf("IncompleteBody", "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header")
	}
	return nil
}

// dropBody deletes a body's file once no object has it.
func (s *Service) dropBody(tx *store.Tx, sha256 string) error {
	for _, o := range s.objects.All(tx) {
		if o.SHA256 == sha256 {
			return nil
		}
	}
	return removeIfThere(s.bodyFile(sha256))
}

func removeIfThere(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete a body: %w", err)
	}
	return nil
}

func encodeSum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }
