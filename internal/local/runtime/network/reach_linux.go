package network

import "syscall"

// limitHops sets the time to live of a socket's IP packets.
func limitHops(fd uintptr, hops int) error {
	return syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TTL, hops)
}
