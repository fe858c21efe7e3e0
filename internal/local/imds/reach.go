package imds

import (
	"context"
	"net/http"
)

// reach is the key in a connection's context under which its reach is set.
type reach struct{}

// WithReach is a connection's context in which the service can limit how many
// hops the connection's packets travel: a runtime whose instances have a network
// gives it. limit sets the time to live of IP packets.
func WithReach(ctx context.Context, limit func(hops int) error) context.Context {
	return context.WithValue(ctx, reach{}, limit)
}

// limitReach lets the answer to a request travel so many hops and no more. Where
// instances have no network of their own, nobody is a hop away.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html#imds-considerations
func limitReach(r *http.Request, hops int) error {
	limit, can := r.Context().Value(reach{}).(func(int) error)
	if !can {
		return nil
	}
	return limit(hops)
}
