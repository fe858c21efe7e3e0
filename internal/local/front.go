package local

import (
	"net"
	"net/http"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/control"
)

// MaxHeader is the most bytes of headers that an http.Server before the cloud
// should take.
const MaxHeader = 64 << 10

// Handler serves the cloud to its owner: the services and, under
// control.Prefix, the control interface.
func (c *Cloud) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(control.Prefix, hostGuard(c.control))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, control.Prefix) {
			mux.ServeHTTP(w, r)
			return
		}
		c.api.ServeHTTP(w, r) // not through mux, which would tidy the paths of objects up
	})
}

// hostGuard refuses requests that were sent to another name than loopback's. A
// web page that makes its own name point to 127.0.0.1 gets no further.
func hostGuard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(hostName(r)) {
			http.Error(w, "this cloud answers to loopback names only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
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
