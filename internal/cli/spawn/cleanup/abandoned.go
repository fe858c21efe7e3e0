package cleanup

import (
	"context"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/launch"
)

// recall has what launches that died on this machine made without hearing so
// count as this machine's: it is deleted although it is young.
func (o *Options) recall(ctx context.Context, t *awsx.Target, who account.Identity) error {
	err := launch.RecallAbandoned(ctx, o.Factory.StateFor(t).Launches(), t.Endpoint, t.Region, who, t.EC2(), t.Clock.Now())
	if err != nil {
		return fmt.Errorf("look for what a launch that was cut short has left: %w", err)
	}
	return nil
}
