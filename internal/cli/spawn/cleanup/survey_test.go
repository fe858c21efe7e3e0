package cleanup

import (
	"errors"
	"slices"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
	"github.com/spawn-ec2/spawn/internal/term"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
)

func answer(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }

func at(name string, err error) *place { return &place{region: reap.Region{Name: name}, err: err} }

// A region that the account has not opted into answers as to wrong credentials.
// That is no error where another region took the same credentials, and is one
// where none did.
func TestRegionsThatAreNotOptedIntoAreNoFailure(t *testing.T) {
	for name, tt := range map[string]struct {
		places []*place
		closed []string
		left   int
		fails  bool
	}{
		"one is closed":     {[]*place{at("a", nil), at("b", answer("AuthFailure")), at("c", answer("OptInRequired"))}, []string{"b", "c"}, 1, false},
		"none answers":      {[]*place{at("a", answer("AuthFailure")), at("b", answer("AuthFailure"))}, nil, 2, true},
		"another is broken": {[]*place{at("a", nil), at("b", answer("InternalError"))}, nil, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &survey{places: tt.places}
			err := s.close()
			if (err != nil) != tt.fails || !slices.Equal(s.closed, tt.closed) || len(s.places) != tt.left {
				t.Errorf("closed %v, %d places, %v", s.closed, len(s.places), err)
			}
			if tt.fails && !awserr.IsBadCredentials(err) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// What is still listed, and what could not be looked at, is exit code 6, with
// what it is.
func TestWhatRemainsIsAPartialSuccess(t *testing.T) {
	left := []reap.Item{{Kind: reap.VPC, ID: "vpc-1"}}
	for name, tt := range map[string]struct {
		s    survey
		kind problem.Kind
	}{
		"nothing":          {survey{places: []*place{at("a", nil)}}, 0},
		"something":        {survey{places: []*place{{region: reap.Region{Name: "a"}, sweep: reap.Sweep{Left: left}}}}, problem.Partial},
		"a region is dark": {survey{places: []*place{at("a", nil), at("b", errors.New("no answer"))}}, problem.Partial},
		"a role":           {survey{places: []*place{at("a", nil)}, whole: reap.Sweep{Left: left}}, problem.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			o := &Options{Factory: &factory.Factory{Streams: term.Plain(discard{}, discard{})}, Output: "table"}
			err := o.report(&tt.s)
			if err == nil && tt.kind != 0 || err != nil && problem.KindOf(err) != tt.kind {
				t.Errorf("%v", err)
			}
		})
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
