package s3

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// chunkReader reads a body in aws-chunked encoding without signatures: chunks,
// each behind its length in hex, an empty one, and headers behind it.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
type chunkReader struct {
	r       *bufio.Reader
	left    int64 // of the chunk that is being read
	inChunk bool
	err     error
	trailer http.Header // complete once Read has returned io.EOF
}

func newChunkReader(r io.Reader) *chunkReader {
	return &chunkReader{r: bufio.NewReader(r), trailer: http.Header{}}
}

func errChunk() *wire.Error {
	return wire.Errorf("IncompleteBody", "The request body terminated unexpectedly or is not in aws-chunked encoding")
}

// Read implements io.Reader.
func (c *chunkReader) Read(b []byte) (int, error) {
	for c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = errChunk()
	}
	c.err = err
	if n > 0 {
		return n, nil
	}
	return 0, c.err
}

// next reads up to the content of the next chunk; io.EOF is the good end.
func (c *chunkReader) next() error {
	if c.inChunk {
		if end, err := c.line(); err != nil || end != "" {
			return orChunk(err)
		}
	}
	head, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(head, ";")
	n, err := strconv.ParseInt(size, 16, 64)
	if err != nil || n < 0 {
		return errChunk()
	}
	c.left, c.inChunk = n, true
	if n > 0 {
		return nil
	}
	return c.readTrailer()
}

func orChunk(err error) error {
	if err != nil {
		return err
	}
	return errChunk()
}

func (c *chunkReader) readTrailer() error {
	for range 10 { // more trailers than S3 knows
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "" {
			return c.drain()
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			return errChunk()
		}
		c.trailer.Set(name, strings.TrimSpace(value))
	}
	return errChunk()
}

// drain holds the body to its end, so that all of it counts for the signature.
func (c *chunkReader) drain() error {
	if _, err := c.r.ReadByte(); err == nil {
		return errChunk()
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return io.EOF
}

// line reads a line without its end. The end of the body is not expected here.
func (c *chunkReader) line() (string, error) {
	b, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
		return "", errChunk()
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
