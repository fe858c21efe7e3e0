package offer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// MaxBytes is how much Read takes before it refuses. Every instance type in
// every region is about a quarter of it; more is not a list of preferences.
const MaxBytes = 4 << 20

// Read reads offers until the end of r: one object, an array, one object a
// line, or any sequence of these. Their order is kept and unknown fields are
// ignored.
//
// The error is a *problem.Error: kind NotFound when there is no offer at all,
// Usage when what arrived is not offers or not plausible. Reading stops at
// MaxBytes. An error of r itself is returned as it is.
func Read(r io.Reader) ([]Offer, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read offers: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, problem.New(problem.Usage, "more than %d MiB arrived where offers were expected", MaxBytes>>20).
			WithNext("narrow the search, or pick one offer with --pick-first")
	}
	// Windows shells put a byte order mark in front of what they pipe.
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return nil, nothing()
	}
	if text[0] != '{' && text[0] != '[' {
		return nil, notJSON(text)
	}
	objects, err := split(text)
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, nothing()
	}
	offers := make([]Offer, 0, len(objects))
	for i, object := range objects {
		o, err := decode(object)
		if err != nil {
			return nil, problem.New(problem.Usage, "offer %d: %w", i+1, err).WithNext("%s", pipeHint)
		}
		offers = append(offers, o)
	}
	return offers, nil
}

const pipeHint = "pipe the output of truffle, for example: truffle search m7i.large | spawn"

func nothing() error {
	return problem.New(problem.NotFound, "no offer arrived: what was searched for was not found, or the search failed").
		WithNext("run the search by itself and read what it says")
}

func notJSON(text []byte) error {
	if text[0] == '<' {
		return problem.New(problem.Usage, "a web page arrived where offers were expected").WithNext("%s", pipeHint)
	}
	return problem.New(problem.Usage, "text arrived where offers in JSON were expected; it looks like a table").
		WithNext("leave out --output, or use --output json, in the command before the pipe")
}

// split takes a sequence of JSON objects and arrays of objects apart.
func split(text []byte) ([]json.RawMessage, error) {
	var objects []json.RawMessage
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var value json.RawMessage
		switch err := dec.Decode(&value); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, problem.New(problem.Usage, "the offers end in the middle").
				WithNext("run the command before the pipe by itself and read what it says")
		case err != nil:
			return nil, problem.New(problem.Usage, "what arrived is not JSON: %w", err).WithNext("%s", pipeHint)
		}
		if value[0] != '[' {
			objects = append(objects, value)
			continue
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(value, &elements); err != nil {
			return nil, problem.New(problem.Usage, "what arrived is not JSON: %w", err).WithNext("%s", pipeHint)
		}
		objects = append(objects, elements...)
	}
}

// decode reads one offer and checks it.
func decode(object json.RawMessage) (Offer, error) {
	if object[0] != '{' {
		return Offer{}, fmt.Errorf("it is not an object")
	}
	// Spot is told apart from a missing spot, and product_type is read only to
	// recognise the older finder.
	wire := struct {
		*Offer
		Spot        *bool `json:"spot"`
		ProductType any   `json:"product_type"`
	}{Offer: new(Offer)}
	if err := json.Unmarshal(object, &wire); err != nil {
		return Offer{}, err
	}
	o := *wire.Offer
	if err := check(o); err != nil {
		return Offer{}, err
	}
	forgetZeros(&o)
	if wire.Spot != nil {
		o.Spot = *wire.Spot
	} else {
		hasOwnPlace := wire.ProductType != nil || o.AvailabilityZone != ""
		o.Spot = o.SpotPrice != nil && o.OnDemandPrice == nil && hasOwnPlace
	}
	return o, nil
}

// forgetZeros turns the zero that other finders write for what they do not know
// into not knowing: nothing in EC2 has no vCPU, no memory or no price.
func forgetZeros(o *Offer) {
	for _, n := range []**int{&o.VCPUs, &o.MemoryMiB} {
		if *n != nil && **n == 0 {
			*n = nil
		}
	}
	for _, p := range []**float64{&o.SpotPrice, &o.OnDemandPrice} {
		if *p != nil && **p == 0 {
			*p = nil
		}
	}
}
