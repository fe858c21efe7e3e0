package awsx

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Clock tells the time as the service has it. Deadlines are computed from it,
// because a laptop's clock may be wrong, and an instance would then end at the
// wrong time.
type Clock struct {
	local  func() time.Time
	offset atomic.Int64 // nanoseconds that the service is ahead of local
}

// NewClock returns a clock that follows local until a service has answered.
func NewClock(local func() time.Time) *Clock { return &Clock{local: local} }

// Now is the service's time, to about a second.
func (c *Clock) Now() time.Time { return c.local().Add(time.Duration(c.offset.Load())) }

// Set takes over the time of an answer. The header has whole seconds, so a
// difference below two of them is no news.
func (c *Clock) Set(date time.Time) {
	ahead := date.Sub(c.local())
	if ahead.Abs() < 2*time.Second {
		ahead = 0
	}
	c.offset.Store(int64(ahead))
}

// middleware reads the Date header of every answer (RFC 9110, section 6.6.1).
func (c *Clock) middleware() middleware.DeserializeMiddleware {
	return middleware.DeserializeMiddlewareFunc("ServiceClock", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, meta, err := next.HandleDeserialize(ctx, in)
		if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && resp != nil {
			if date, parseErr := http.ParseTime(resp.Header.Get("Date")); parseErr == nil {
				c.Set(date)
			}
		}
		return out, meta, err
	})
}
