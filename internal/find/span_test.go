package find

import (
	"math"
	"testing"
)

func TestParseSpan(t *testing.T) {
	inf := math.Inf(1)
	tests := []struct {
		text string
		want Span
		ok   bool
	}{
		{"8", Span{8, 8}, true},
		{"0", Span{0, 0}, true},
		{"4-16", Span{4, 16}, true},
		{"4+", Span{4, inf}, true},
		{"-16", Span{0, 16}, true},
		{"3.75", Span{3.75, 3.75}, true},
		{"1TiB+", Span{1024, inf}, true},
		{"512mib-1gib", Span{0.5, 1}, true},
		{"16gb", Span{16, 16}, true},
		{"16-4", Span{}, false},
		{"", Span{}, false},
		{"+", Span{}, false},
		{"-", Span{}, false},
		{"+8", Span{}, false},
		{"--8", Span{}, false},
		{"4-", Span{}, false},
		{"4-16+", Span{}, false},
		{"4-8-16", Span{}, false},
		{" 8", Span{}, false},
		{"8 gb", Span{}, false},
		{"1e3", Span{}, false},
		{"0x10", Span{}, false},
		{".5", Span{}, false},
		{"5.", Span{}, false},
		{"1.2.3", Span{}, false},
		{"8kg", Span{}, false},
		{"inf", Span{}, false},
		{"nan", Span{}, false},
		{"1000000001", Span{}, false},
		{"1000000tib", Span{}, false},
		{"99999999999999999999999999999999999999", Span{}, false},
	}
	for _, tt := range tests {
		got, err := parseSpan(tt.text, memoryUnits())
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("%q: %v %v", tt.text, got, err)
		}
	}
	if s, err := parseSpan("8gb", nil); err == nil {
		t.Errorf("a unit where there is none: %v", s)
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, s := range []string{"8", "4-16", "4+", "-16", "1tib", "3.75gb-4", "+", "9-8", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSpan(text, memoryUnits())
		if err != nil {
			return
		}
		if math.IsNaN(s.Least) || s.Least < 0 || s.Least > mostInSpan || s.Most < s.Least || s.Most > mostInSpan && !math.IsInf(s.Most, 1) {
			t.Errorf("%q became %v", text, s)
		}
		if !s.Contains(s.Least) || s.distance(s.Least) != 0 {
			t.Errorf("%q: its own beginning is not in it", text)
		}
	})
}
