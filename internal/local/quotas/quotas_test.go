package quotas_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/quotas"
)

func TestWhichQuotaHoldsAType(t *testing.T) {
	for _, c := range []struct {
		kind string
		spot bool
		want string
	}{
		{"t3.micro", false, "L-1216C47A"},
		{"m7i-flex.large", true, "L-34B43A08"},
		{"im4gn.large", false, "L-1216C47A"},
		{"g5.xlarge", false, "L-DB2E81BA"},
		{"gr6.4xlarge", true, "L-3819A6DF"},
		{"p5.48xlarge", false, "L-417A185B"},
		{"inf2.xlarge", false, "L-1945791B"},
		{"trn1.2xlarge", true, "L-6B0D517C"},
		{"u-6tb1.56xlarge", false, "L-43DA4232"},
		{"u7i-12tb.224xlarge", false, "L-43DA4232"},
		{"u-6tb1.56xlarge", true, ""},
		{"hpc7g.4xlarge", false, "L-F7808C92"},
		{"mac2.metal", false, ""},
	} {
		got, held := quotas.Code(c.kind, c.spot)
		if got != c.want || held != (c.want != "") || held != quotas.Known(got) {
			t.Errorf("%s is held by %q, want %q", c.kind, got, c.want)
		}
	}
}

// No type escapes for its name alone. Of a few old ones no source tells.
func TestEveryTypeHasAQuota(t *testing.T) {
	none := []string{"mac", "cc1.", "cc2.", "cg1.", "cr1.", "hi1.", "hs1."}
	for kind := range catalog.Types() {
		if _, held := quotas.Code(kind.Name, false); !held && !slices.ContainsFunc(none, func(p string) bool { return strings.HasPrefix(kind.Name, p) }) {
			t.Errorf("no quota holds %s", kind.Name)
		}
	}
}
