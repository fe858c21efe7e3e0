package sandbox

import (
	"context"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/reboots"
)

// machine is a machine from its first boot to its end.
type machine struct{ *reboots.Machine[*boot] }

// Exec runs a command inside. While the machine reboots there is no inside.
func (m machine) Exec(ctx context.Context, c runtime.Command) (int, error) {
	return m.Current().exec(ctx, c)
}

// Ask tells the init something that ends it.
func (b *boot) Ask(o reboots.Order) {
	kind := kindPowerOff
	if o == reboots.Restart {
		kind = kindReboot
	}
	err := b.link.send(message{Kind: kind})
	if err == nil {
		return
	}
	select {
	case <-b.gone:
	default:
		b.log.Warn("cannot ask the machine to shut down, its plug is pulled", "error", err)
		b.Cut(o)
	}
}

// Cut pulls the plug.
func (b *boot) Cut(o reboots.Order) {
	b.reset.Store(o == reboots.Restart)
	b.pullPlug()
}
