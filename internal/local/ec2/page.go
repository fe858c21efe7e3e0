package ec2

import (
	"encoding/base64"
	"iter"
	"strconv"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Paging is embedded in the input of operations that answer in pages.
type Paging struct {
	MaxResults *int
	NextToken  string
}

// limits are the smallest and largest page that an operation gives. They
// differ by operation and are in its reference page under MaxResults.
type limits struct{ least, most int }

// page takes a page from rows, in order, of those that pass. A page begins
// after the number in its token, so rows that come or go meanwhile neither
// repeat nor hide another.
func page[V any](p Paging, l limits, named bool, rows iter.Seq2[uint64, V], keep func(V) bool) (out []V, next string, err error) {
	most := 0
	if p.MaxResults != nil {
		most = *p.MaxResults
		switch {
		case named:
			return nil, "", errCombination("The parameter MaxResults cannot be used with ids in the same request")
		case most < l.least:
			return nil, "", errValue("Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.", most, l.least)
		case most > l.most:
			return nil, "", errValue("Value ( %d ) for parameter maxResults is invalid. Expecting a value less than or equal to %d.", most, l.most)
		}
	}
	after, err := readToken(p.NextToken)
	if err != nil {
		return nil, "", err
	}
	last := uint64(0)
	for seq, v := range rows {
		if seq <= after || !keep(v) {
			continue
		}
		if most > 0 && len(out) == most {
			return out, writeToken(last), nil
		}
		out, last = append(out, v), seq
	}
	return out, "", nil
}

func writeToken(seq uint64) string {
	return base64.URLEncoding.EncodeToString(strconv.AppendUint([]byte("after:"), seq, 10))
}

func readToken(token string) (uint64, error) {
	if token == "" {
		return 0, nil
	}
	b, err := base64.URLEncoding.DecodeString(token)
	if err == nil && len(b) > 6 && string(b[:6]) == "after:" {
		if n, err := strconv.ParseUint(string(b[6:]), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, wire.Errorf("InvalidNextToken", "The token '%s' is invalid", token)
}

// atMost is the request of an operation that gives no more than n results even
// when it is not asked for pages.
func (in Listing) atMost(n int) Listing {
	if in.MaxResults == nil {
		in.MaxResults = &n
	}
	return in
}

// numbered are rows that no table holds, numbered in the order given, which
// must be the same for every page.
func numbered[V any](rows iter.Seq[V]) iter.Seq2[uint64, V] {
	return func(yield func(uint64, V) bool) {
		n := uint64(0)
		for v := range rows {
			n++
			if !yield(n, v) {
				return
			}
		}
	}
}
