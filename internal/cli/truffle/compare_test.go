package truffle

import "testing"

func TestDifference(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   string
	}{
		{[]string{"8", "8"}, ""},
		{[]string{"8", "16"}, "!"},
		{[]string{"8", "unknown"}, "?"}, // it may be 8 as well
		{[]string{"8", "unknown", "16"}, "!"},
		{[]string{"unknown", "unknown"}, "?"},
	} {
		if got := difference(tt.values); got != tt.want {
			t.Errorf("%v: %q", tt.values, got)
		}
	}
}
