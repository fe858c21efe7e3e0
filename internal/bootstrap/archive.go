package bootstrap

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// part is a part of the archive.
type part struct {
	kind     string // the media type, which tells cloud-init what to do with it
	filename string
	body     string
	headers  textproto.MIMEHeader // more of them, of the user's
}

// boundary separates the parts. It is fixed, so that the same launch has the
// same bytes.
const boundary = "==spawn=="

// pack is the archive of parts, compressed.
func pack(parts []part) ([]byte, error) {
	b, err := archive(parts)
	if err != nil {
		return nil, fmt.Errorf("write the user-data: %w", err)
	}
	if b, err = compress(b); err != nil {
		return nil, fmt.Errorf("compress the user-data: %w", err)
	}
	return b, nil
}

// archive writes a MIME archive as cloud-init reads it.
//
// https://cloudinit.readthedocs.io/en/latest/explanation/format.html
func archive(parts []part) ([]byte, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary); err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%q\r\n\r\n", boundary)
	for _, p := range parts {
		header := textproto.MIMEHeader{}
		for key, value := range p.headers {
			header[key] = value
		}
		charset, encoding, body := "us-ascii", "7bit", p.body+"\n"
		if !plain(p.body) {
			charset, encoding, body = "utf-8", "base64", lines(base64.StdEncoding.EncodeToString([]byte(p.body)))
		}
		header.Set("Content-Type", mime.FormatMediaType(p.kind, map[string]string{"charset": charset}))
		header.Set("Content-Transfer-Encoding", encoding)
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": p.filename}))
		out, err := w.CreatePart(header)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(out, body); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// plain tells that a body can stand in the archive as it is: ASCII with Unix
// line ends, and nothing that looks like the end of the part.
func plain(body string) bool {
	return !strings.Contains(body, "--"+boundary) && strings.IndexFunc(body, func(r rune) bool {
		return r > 126 || r < ' ' && r != '\n' && r != '\t'
	}) < 0
}

// lines breaks what is in base64 into lines, as MIME wants it.
func lines(encoded string) string {
	const width = 76 // RFC 2045, section 6.8
	var b strings.Builder
	for len(encoded) > width {
		b.WriteString(encoded[:width] + "\n")
		encoded = encoded[width:]
	}
	b.WriteString(encoded + "\n")
	return b.String()
}

// compress is gzip, which cloud-init takes off by itself.
//
// https://cloudinit.readthedocs.io/en/latest/explanation/format.html
func compress(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
