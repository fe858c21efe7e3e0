package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOfferingsAreWhatOfferedTells(t *testing.T) {
	for _, region := range Regions() {
		n := 0
		for o := range Offerings(region) {
			one, ok := Offered(region, o.Type)
			if diff := cmp.Diff(one, o); !ok || diff != "" {
				t.Fatalf("%s in %s: %s", o.Type, region, diff)
			}
			n++
		}
		confirmed := 0
		for typ := range Types() {
			if o, ok := Offered(region, typ.Name); ok && o.Confirmed {
				confirmed++
			}
		}
		if n != confirmed {
			t.Errorf("%s: %d, but %d are confirmed", region, n, confirmed)
		}
	}
	for o := range Offerings("nowhere-1") {
		t.Errorf("%+v", o)
	}
}
