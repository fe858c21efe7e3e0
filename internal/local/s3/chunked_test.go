package s3

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Whatever comes, the reader ends in io.EOF or in an answer for the client, and
// never gives more than came.
func FuzzChunkReader(f *testing.F) {
	f.Add("5\r\n12345\r\n0\r\nx-amz-checksum-crc32:aaaa\r\n\r\n")
	f.Add("ffffffffffffffff\r\n")
	f.Add("1\r\nab\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := io.ReadAll(newChunkReader(strings.NewReader(s)))
		var refused *wire.Error
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%q: %v", s, err)
		}
		if len(b) > len(s) {
			t.Errorf("%d bytes from %d", len(b), len(s))
		}
	})
}
