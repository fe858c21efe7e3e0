package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

func handleFaults(mux *http.ServeMux, cloud Cloud) {
	mux.HandleFunc("GET "+Prefix+"faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, cloud.Faults().List()) })
	mux.HandleFunc("DELETE "+Prefix+"faults", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, cloud.Faults().Clear(r.URL.Query().Get("id")))
	})
	mux.HandleFunc("POST "+Prefix+"faults", func(w http.ResponseWriter, r *http.Request) {
		take(w, r, func(rule fault.Rule) (any, error) { return cloud.Faults().Add(rule) })
	})
	mux.HandleFunc("POST "+Prefix+"events", func(w http.ResponseWriter, r *http.Request) {
		take(w, r, func(e fault.Event) (any, error) { return e, cloud.Inflict(e) })
	})
}

// take reads an order, carries it out and answers with what came of it. A field
// that is not known is refused: it would be an order that is not followed.
func take[T any](w http.ResponseWriter, r *http.Request, order func(T) (any, error)) {
	var in T
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	body.DisallowUnknownFields()
	if err := body.Decode(&in); err != nil {
		http.Error(w, "the request is not understood: "+err.Error(), http.StatusBadRequest)
		return
	}
	out, err := order(in)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, out)
}

// Faults lists the rules that are in force.
func (c *Client) Faults(ctx context.Context) ([]fault.Rule, error) {
	var rules []fault.Rule
	err := c.ask(ctx, http.MethodGet, "faults", nil, func(body io.Reader) error { return json.NewDecoder(body).Decode(&rules) })
	return rules, err
}

// AddFault puts a rule in force and returns it with its id.
func (c *Client) AddFault(ctx context.Context, r fault.Rule) (fault.Rule, error) {
	err := c.tell(ctx, "faults", r, &r)
	return r, err
}

// ClearFaults takes the rule with an id out of force, or every one if it is
// empty, and tells how many those were.
func (c *Client) ClearFaults(ctx context.Context, id string) (int, error) {
	cleared := 0
	err := c.ask(ctx, http.MethodDelete, "faults", url.Values{"id": {id}}, func(body io.Reader) error { return json.NewDecoder(body).Decode(&cleared) })
	return cleared, err
}

// Inflict lets something happen to an instance.
func (c *Client) Inflict(ctx context.Context, e fault.Event) error {
	return c.tell(ctx, "events", e, &e)
}

// tell sends an order and reads what came of it.
func (c *Client) tell(ctx context.Context, what string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("tell the local cloud of %s: %w", what, err)
	}
	r, err := c.request(ctx, http.MethodPost, what, nil, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("tell the local cloud of %s: %w", what, err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("tell the local cloud of %s: %w", what, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("tell the local cloud of %s: %w", what, refusal(answer))
	}
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		return fmt.Errorf("read what the local cloud made of %s: %w", what, err)
	}
	return nil
}
