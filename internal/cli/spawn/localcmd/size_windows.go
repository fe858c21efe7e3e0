package localcmd

import "github.com/spawn-ec2/spawn/internal/local/runtime"

// watchSize reports nothing: Windows has no signal for it, and no runtime with
// an inside to enter.
func watchSize(int) (sizes <-chan runtime.Size, stop func()) { return nil, func() {} }
