package instance_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/instance"
)

func TestSoftwareThatIsBilledOnTop(t *testing.T) {
	codes := []types.ProductCode{{ProductCodeId: aws.String("x"), ProductCodeType: types.ProductCodeValuesMarketplace}}
	tests := []struct {
		details string
		codes   []types.ProductCode
		onTop   bool
	}{{"", nil, false}, {"Linux/UNIX", nil, false}, {"Red Hat Enterprise Linux", nil, true}, {"SUSE Linux", nil, true}, {"Linux/UNIX", codes, true}, {"", codes, true}}
	for _, tt := range tests {
		in := instance.Read(types.Instance{PlatformDetails: aws.String(tt.details), ProductCodes: tt.codes})
		if (in.Software != "") != tt.onTop {
			t.Errorf("%q with %d product codes: %q", tt.details, len(tt.codes), in.Software)
		}
	}
}
