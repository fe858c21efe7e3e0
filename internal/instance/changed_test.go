package instance_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/instance"
)

func TestWhenAnInstanceWasStoppedIsReadOrUnknown(t *testing.T) {
	for reason, want := range map[string]time.Time{
		"User initiated (2026-11-28 16:00:00 GMT)":          time.Date(2026, 11, 28, 16, 0, 0, 0, time.UTC),
		"Server.SpotInstanceTermination":                    {},
		"User initiated (2026-11-28 16:00:00 GMT) and more": {},
		"User initiated (yesterday)":                        {},
		"":                                                  {},
	} {
		if got := instance.Read(types.Instance{StateTransitionReason: aws.String(reason)}).Changed; !got.Equal(want) {
			t.Errorf("%q: %v, want %v", reason, got, want)
		}
	}
}
