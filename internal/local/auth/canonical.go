package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text that both sides hash. It is made from what came
// over the wire, never from a form that a library has tidied up.
func canonicalRequest(r *http.Request, s Scope, bodyHash string) string {
	return strings.Join([]string{
		r.Method,
		canonicalPath(r, s.Service),
		canonicalQuery(r.URL.RawQuery),
		canonicalHeaders(r, s.headers),
		strings.Join(s.headers, ";"),
		bodyHash,
	}, "\n")
}

// canonicalPath encodes the path once for S3 and, for every other service, a
// second time.
func canonicalPath(r *http.Request, service string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if service == "s3" {
		decoded, err := url.PathUnescape(path)
		if err != nil { // cannot be: net/http has parsed it
			return path
		}
		return encode(decoded, true)
	}
	segments := strings.Split(path, "/") // a segment may hold a slash, encoded
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		if err != nil { // cannot be: net/http has parsed it
			return path
		}
		segments[i] = encode(encode(decoded, false), false)
	}
	return strings.Join(segments, "/")
}

func canonicalQuery(raw string) string {
	var pairs [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		key, value = recode(key), recode(value)
		if key != "X-Amz-Signature" {
			pairs = append(pairs, [2]string{key, value})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = p[0] + "=" + p[1]
	}
	return strings.Join(out, "&")
}

// recode decodes a query's part and encodes it in the one way that counts. A
// part that cannot be decoded stays as it is; then the signatures differ.
func recode(s string) string {
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return encode(decoded, false)
}

func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name)
		b.WriteByte(':')
		for i, v := range headerValues(r, name) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.Join(strings.Fields(v), " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// headerValues are a header's values; net/http keeps two of them elsewhere.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	}
	return r.Header.Values(name)
}

// encode is AWS's percent-encoding: everything but A-Z a-z 0-9 - _ . ~ and,
// in a path, the slash.
func encode(s string, path bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '~', path && c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}
