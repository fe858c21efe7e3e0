package awsx

import (
	"testing"

	"github.com/aws/smithy-go"
)

// TestAWrongClockCostsNoWait: the SDK signs again with the service's time, once
// for each client.
func TestAWrongClockCostsNoWait(t *testing.T) {
	r := newRetryer()
	for code, waits := range map[string]bool{"AuthFailure": false, "SignatureDoesNotMatch": false, "InvalidSignatureException": false, "RequestLimitExceeded": true} {
		longest := false
		for range 20 { // jitter may be next to nothing
			d, err := r.RetryDelay(3, &smithy.GenericAPIError{Code: code})
			if err != nil {
				t.Fatal(err)
			}
			longest = longest || d > 0
		}
		if longest != waits {
			t.Errorf("%s: waits %v", code, longest)
		}
	}
}
