package bootstrap

import (
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

// The types of part that are treated here; cloud-init knows more.
const (
	typeBoothook = "text/cloud-boothook" // runs early, at every boot
	typeScript   = "text/x-shellscript"  // runs late, once
)

const (
	maxUnpacked = 1 << 20 // bytes that a user's gzip may become: a bomb must not fill this machine
	maxNesting  = 8       // of archives within archives
)

// userParts are the parts of a user's user-data: one for a script or a
// document of cloud-init's, several for an archive, whose parts keep their
// order. A script is wrapped, so that its output and its exit code are kept;
// everything else goes as it is and runs in its own stage.
func userParts(userData []byte) ([]part, error) {
	if len(userData) == 0 {
		return nil, nil
	}
	u := user{}
	if err := u.read(userData, nil, 0); err != nil {
		return nil, err
	}
	if len(u.parts) == 0 {
		return nil, errors.New("the archive has no parts")
	}
	return u.parts, nil
}

// user is what was read of the user's user-data so far.
type user struct{ parts []part }

// read takes bytes that nothing is known of: compressed, an archive, or a
// document that its first line tells.
func (u *user) read(b []byte, header textproto.MIMEHeader, depth int) error {
	b, err := unpack(b)
	if err != nil {
		return err
	}
	if kind := kindOf(b); kind != "" {
		return u.add(kind, header, b)
	}
	if message, err := mail.ReadMessage(bytes.NewReader(bytes.TrimLeft(b, " \t\r\n"))); err == nil && message.Header.Get("Content-Type") != "" {
		return u.entity(textproto.MIMEHeader(message.Header), message.Body, depth)
	}
	first, _, _ := bytes.Cut(b, []byte("\n"))
	return fmt.Errorf("it is of no type that cloud-init takes: it begins with %.60q, where a script has #! and a program", first)
}

// entity takes one MIME entity: a part, or an archive of more.
func (u *user) entity(header textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, attributes, err := mime.ParseMediaType(header.Get("Content-Type"))
	if header.Get("Content-Type") == "" {
		kind, err = "text/plain", nil
	}
	if err != nil {
		return fmt.Errorf("the content type %.60q: %w", header.Get("Content-Type"), err)
	}
	if depth > maxNesting {
		return fmt.Errorf("archives are nested deeper than %d", maxNesting)
	}
	if strings.HasPrefix(kind, "multipart/") {
		return u.archive(attributes["boundary"], body, depth)
	}
	b, err := decode(header.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return err
	}
	if b, err = unpack(b); err != nil {
		return err
	}
	// These say nothing; cloud-init then goes by the first line.
	if kind == "text/plain" || kind == "text/x-not-multipart" || kind == "application/octet-stream" || strings.Contains(kind, "zip") {
		return u.read(b, header, depth+1)
	}
	return u.add(kind, header, b)
}

// archive takes every part of an archive. One without its end was cut short,
// and what is missing might be what matters.
func (u *user) archive(boundary string, body io.Reader, depth int) error {
	b, err := atMost(body)
	if err != nil {
		return err
	}
	if boundary == "" || !bytes.Contains(b, []byte("--"+boundary+"--")) {
		return fmt.Errorf("the archive lacks its last line, --%.60s--", boundary)
	}
	r := multipart.NewReader(bytes.NewReader(b), boundary)
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the archive: %w", err)
		}
		if err := u.entity(p.Header, p, depth+1); err != nil {
			return err
		}
	}
}

// add adds a part under a name of ours, which sorts after the agent's, and
// with those of its headers that cloud-init heeds.
//
// https://docs.cloud-init.io/en/latest/reference/merging.html
func (u *user) add(kind string, header textproto.MIMEHeader, b []byte) error {
	p := part{kind: kind, filename: u.nextName(header), body: string(unixLines(b)), headers: textproto.MIMEHeader{}}
	for _, key := range []string{"Merge-Type", "X-Merge-Type", "Launch-Index"} {
		if value := header.Get(key); value != "" {
			p.headers.Set(key, value)
		}
	}
	if kind == typeScript {
		wrapped, err := wrap(p.filename, p.body)
		if err != nil {
			return err
		}
		p.body = wrapped
	}
	u.parts = append(u.parts, p)
	return nil
}

// nextName is the file name of the next part: its place and the name that the
// user gave it.
func (u *user) nextName(header textproto.MIMEHeader) string {
	name := fmt.Sprintf("user-%03d", len(u.parts)+1)
	_, attributes, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	if err != nil {
		return name // it has none
	}
	given := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return -1
	}, attributes["filename"])
	if given == "" {
		return name
	}
	return name + "-" + given[:min(len(given), 60)]
}

// wrap is the script that runs a user's script and keeps what becomes of it.
// The user's goes compressed and in base64, which the archive's compression
// takes back, so that any script can be in it, one with binary data too.
func wrap(name, body string) (string, error) {
	if !strings.HasPrefix(body, "#!") {
		return "", fmt.Errorf("the script %s has no first line with #! and a program", name)
	}
	packed, err := compress([]byte(body))
	if err != nil {
		return "", fmt.Errorf("compress the script %s: %w", name, err)
	}
	text := strings.TrimSuffix(lines(base64.StdEncoding.EncodeToString(packed)), "\n")
	return script("user-script.sh", values{"NAME": name, "SCRIPT": text})
}

// kindOf is the type that a document's first characters tell, "" for none. The
// longer beginnings come first.
//
// https://docs.cloud-init.io/en/latest/explanation/format.html
func kindOf(b []byte) string {
	for _, known := range [...]struct{ begins, kind string }{
		{"#cloud-config-archive", "text/cloud-config-archive"},
		{"#cloud-config-jsonp", "text/cloud-config-jsonp"},
		{"## template: jinja", "text/jinja2"},
		{"#cloud-boothook", typeBoothook},
		{"#cloud-config", "text/cloud-config"},
		{"#include-once", "text/x-include-once-url"},
		{"#part-handler", "text/part-handler"},
		{"#include", "text/x-include-url"},
		{"#!", typeScript},
	} {
		if bytes.HasPrefix(b, []byte(known.begins)) {
			return known.kind
		}
	}
	return ""
}

// unixLines turns a document written on Windows into one that a shell can
// read, as cloud-init does.
func unixLines(b []byte) []byte {
	first, _, _ := bytes.Cut(b, []byte("\n"))
	if !bytes.HasSuffix(first, []byte("\r")) {
		return b
	}
	return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
}

func decode(encoding string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "7bit", "8bit", "binary":
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	default:
		return nil, fmt.Errorf("the transfer encoding %.40q is unknown", encoding)
	}
	return atMost(body)
}

// unpack takes gzip off, where there is any.
func unpack(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack gzip: %w", err)
	}
	return atMost(r)
}

func atMost(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("decode: %w", err)
	case len(b) > maxUnpacked:
		return nil, fmt.Errorf("it unpacks to more than %d KiB", maxUnpacked>>10)
	}
	return b, nil
}
