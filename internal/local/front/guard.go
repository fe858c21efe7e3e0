package front

import (
	"net"
	"net/http"
	"strings"
)

// maxHeader is the most bytes of headers that are looked at. The longest that
// an honest client sends are a session token's.
const maxHeader = 32 << 10

// Guard refuses requests that were sent to another name than loopback's, so a
// web page that makes its own name point to 127.0.0.1 gets no further, and
// those with headers beyond measure.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isLoopback(hostName(r)):
			http.Error(w, "this cloud answers to loopback names only", http.StatusForbidden)
		case headerSize(r) > maxHeader:
			http.Error(w, "the request's headers are too large", http.StatusRequestHeaderFieldsTooLarge)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func headerSize(r *http.Request) int {
	size := len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	return size
}

// hostName is the Host header without its port, in lower case.
func hostName(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func isLoopback(name string) bool {
	return name == "127.0.0.1" || name == "::1" || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// locate finds the bucket and key of a request to S3: in the path or, when the
// host is bucket.localhost, in the host.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func locate(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket, found := strings.CutSuffix(hostName(r), ".localhost"); found {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}
