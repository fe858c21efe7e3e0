package s3

import (
	"crypto/sha1" //nolint:gosec // one of the checksums that S3 has
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// nvmePolynomial is that of CRC-64/NVME, reversed, which S3 calls CRC64NVME.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
const nvmePolynomial = 0x9a6c9329ac4bc9b5

// newHash is the function of a checksum header; nil for one that there is not.
func newHash(header string) hash.Hash {
	switch http.CanonicalHeaderKey(header) {
	case "X-Amz-Checksum-Crc32":
		return crc32.NewIEEE()
	case "X-Amz-Checksum-Crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "X-Amz-Checksum-Crc64nvme":
		return crc64.New(crc64.MakeTable(nvmePolynomial))
	case "X-Amz-Checksum-Sha1":
		return sha1.New() //nolint:gosec // see the import
	case "X-Amz-Checksum-Sha256":
		return sha256.New()
	}
	return nil
}

// checksum is the checksum that comes with a body, in a header or behind it.
type checksum struct {
	io.Writer
	header string // empty: none comes
	hash   hash.Hash
}

// wantedChecksum finds which checksum a request announces. There is one at most.
func wantedChecksum(h http.Header) (checksum, error) {
	var found []string
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Checksum-") && name != "X-Amz-Checksum-Mode" {
			found = append(found, name)
		}
	}
	if t := h.Get("X-Amz-Trailer"); t != "" {
		found = append(found, http.CanonicalHeaderKey(t))
	}
	if len(found) == 0 {
		return checksum{Writer: io.Discard}, nil
	}
	c := checksum{header: found[0], hash: newHash(found[0])}
	if len(found) > 1 || c.hash == nil {
		return c, wire.Errorf("InvalidRequest", "Expecting a single x-amz-checksum- header of a known algorithm")
	}
	c.Writer = c.hash
	return c, nil
}

// check compares what came with what was computed.
func (c checksum) check(header, trailer http.Header) ([2]string, error) {
	if c.header == "" {
		return [2]string{}, nil
	}
	want := header.Get(c.header)
	if want == "" {
		want = trailer.Get(c.header)
	}
	if got := encodeSum(c.hash); want != got {
		return [2]string{}, wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToLower(c.header))
	}
	return [2]string{c.header, want}, nil
}
