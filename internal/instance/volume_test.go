package instance_test

import (
	"testing"

	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/instance"
)

func TestVolumesAreTheInstancesOwn(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		one, other := run(t, api, named("one")), run(t, api, named("other"))
		mine, err := instance.Volumes(t.Context(), api, one)
		if err != nil || len(mine) != 1 || mine[0].SizeGiB != 8 || mine[0].Type == "" {
			t.Errorf("%+v, %v", mine, err)
		}
		others, err := instance.Volumes(t.Context(), api, other)
		if err != nil || len(others) != 1 || others[0].ID == mine[0].ID {
			t.Errorf("%+v, %v", others, err)
		}
	})
}
