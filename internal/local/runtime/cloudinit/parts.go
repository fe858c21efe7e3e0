package cloudinit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

// The types of part that are run. Other types exist and are skipped.
const (
	TypeBoothook    = "text/cloud-boothook"     // runs early, at every boot
	TypeScript      = "text/x-shellscript"      // runs late, once per instance
	typeInclude     = "text/x-include-url"      // addresses to fetch more parts from
	typeIncludeOnce = "text/x-include-once-url" // the same, kept for later boots
)

// Part is one piece of user-data.
type Part struct {
	Type string // media type in lower case, without parameters; "" when it cannot be told
	Name string // the file name its header gives, may be empty
	Body []byte // decoded
	Err  error  // why the part cannot be used; Body is then nil
}

const (
	// maxUnpacked bounds what a gzip stream may become: user-data has 16 KB,
	// and a bomb must not fill the machine's memory.
	maxUnpacked = 16 << 20
	// maxNesting bounds multipart within multipart.
	maxNesting = 8
	// mimeWindow is how far from the beginning cloud-init looks for a MIME
	// header.
	mimeWindow = 4096
)

// Parse splits user-data into its parts, in order. Empty user-data has none.
// A part that cannot be decoded is returned with its Err set, so that the
// others can still run; the error is for user-data that has no readable
// structure at all.
func Parse(userData []byte) ([]Part, error) {
	plain, err := gunzip(userData)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(plain)) == 0 {
		return nil, nil
	}
	if !looksLikeMIME(plain) {
		return []Part{bare(plain)}, nil
	}
	msg, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(bytes.TrimLeft(plain, " \t\r\n"))))
	if err != nil {
		return nil, fmt.Errorf("read MIME headers of user-data: %w", err)
	}
	return entity(textproto.MIMEHeader(msg.Header), msg.Body, 0), nil
}

// looksLikeMIME tells a MIME message from a script. A shebang decides first:
// a script may well print MIME headers.
func looksLikeMIME(b []byte) bool {
	if bytes.HasPrefix(b, []byte("#")) {
		return false
	}
	head := bytes.ToLower(b[:min(len(b), mimeWindow)])
	return bytes.Contains(head, []byte("mime-version:")) ||
		bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("content-type:"))
}

// entity decodes one MIME entity: a leaf, or a multipart with more of them.
func entity(h textproto.MIMEHeader, body io.Reader, depth int) []Part {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if h.Get("Content-Type") == "" {
		mediaType, params, err = "text/plain", nil, nil
	}
	name := fileName(h)
	if err != nil {
		return []Part{{Name: name, Err: fmt.Errorf("content type %q: %w", h.Get("Content-Type"), err)}}
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		return children(mediaType, params["boundary"], body, depth)
	}
	return []Part{leaf(mediaType, name, h.Get("Content-Transfer-Encoding"), body)}
}

func children(mediaType, boundary string, body io.Reader, depth int) []Part {
	if boundary == "" {
		return []Part{{Type: mediaType, Err: errors.New("multipart without a boundary")}}
	}
	if depth >= maxNesting {
		return []Part{{Type: mediaType, Err: fmt.Errorf("multipart nested deeper than %d", maxNesting)}}
	}
	var parts []Part
	r := multipart.NewReader(body, boundary)
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			// What was read so far still runs, as cloud-init does with a
			// message cut short.
			return append(parts, Part{Type: mediaType, Err: fmt.Errorf("read multipart: %w", err)})
		}
		parts = append(parts, entity(p.Header, p, depth+1)...)
	}
}

func leaf(mediaType, name, encoding string, body io.Reader) Part {
	p := Part{Type: mediaType, Name: name}
	decoded, err := decode(encoding, body)
	if err == nil {
		decoded, err = gunzip(decoded)
	}
	if err != nil {
		p.Err = err
		return p
	}
	// text/plain says nothing; cloud-init then looks at the first line.
	if mediaType == "text/plain" {
		sniffed := bare(decoded)
		sniffed.Name = name
		return sniffed
	}
	p.Body = unixLines(decoded)
	return p
}

func decode(encoding string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "7bit", "8bit", "binary":
	case "base64":
		// The decoder skips line ends by itself.
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	default:
		return nil, fmt.Errorf("unknown transfer encoding %q", encoding)
	}
	b, err := io.ReadAll(io.LimitReader(body, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("decode part: %w", err)
	}
	return b, nil
}

// bare recognises a part by its first line.
func bare(b []byte) Part {
	b = unixLines(b)
	switch {
	case bytes.HasPrefix(b, []byte("#cloud-boothook")):
		_, rest, _ := bytes.Cut(b, []byte("\n"))
		return Part{Type: TypeBoothook, Body: rest}
	case bytes.HasPrefix(b, []byte("#!")):
		return Part{Type: TypeScript, Body: b}
	case bytes.HasPrefix(b, []byte("#cloud-config")):
		return Part{Type: "text/cloud-config", Body: b}
	case bytes.HasPrefix(b, []byte("#include")):
		return Part{Type: "text/x-include-url", Body: b}
	default:
		return Part{Body: b}
	}
}

// unixLines turns a script written on Windows into one a shell can run.
func unixLines(b []byte) []byte {
	first, _, _ := bytes.Cut(b, []byte("\n"))
	if !bytes.HasSuffix(first, []byte("\r")) {
		return b
	}
	return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
}

func gunzip(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack gzip: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("unpack gzip: %w", err)
	}
	if len(out) > maxUnpacked {
		return nil, fmt.Errorf("unpack gzip: more than %d MiB", maxUnpacked>>20)
	}
	return out, nil
}

func fileName(h textproto.MIMEHeader) string {
	_, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil {
		return "" // no header, or one that names nothing
	}
	return params["filename"]
}
