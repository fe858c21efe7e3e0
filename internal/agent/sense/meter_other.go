//go:build !linux

package sense

import "net"

const goodbye = 0

// onTheWire is not told by other kernels; nothing is subtracted there.
func onTheWire(net.Conn) uint64 { return 0 }
