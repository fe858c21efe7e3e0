package sense

import (
	"net"
	"syscall"
	"unsafe"
)

const (
	// frame is the least that comes with each segment: the headers of
	// Ethernet (14 bytes), IP version 4 (20) and TCP with time stamps (32).
	frame = 14 + 20 + 32

	// longerFrame is by how much the header of IP version 6 is longer.
	longerFrame = 20

	// goodbye is what a connection moves after it was closed here: a FIN and
	// its acknowledgement. The other side's are counted before.
	goodbye = 2 * frame
)

// tcpInfo is the beginning of the kernel's struct tcp_info, of which only what
// is named here is used. Kernels older than 4.19 leave the end of it zero.
//
// https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/include/uapi/linux/tcp.h
type tcpInfo struct {
	_             [128]byte
	bytesReceived uint64
	segsOut       uint32
	segsIn        uint32
	_             [56]byte
	bytesSent     uint64
}

// onTheWire is what a connection has moved in both directions, as the kernel
// counted it; 0 if that cannot be told, for then nothing must be subtracted.
//
// https://man7.org/linux/man-pages/man7/tcp.7.html (TCP_INFO)
func onTheWire(conn net.Conn) uint64 {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return 0
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	var info tcpInfo
	var failed syscall.Errno
	size := uint32(unsafe.Sizeof(info))
	err = raw.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_INFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0) //nolint:gosec // the kernel writes at most size bytes of info
	})
	if err != nil || failed != 0 {
		return 0
	}
	headers := uint64(frame)
	if remote, ok := conn.RemoteAddr().(*net.TCPAddr); ok && remote.IP.To4() == nil {
		headers += longerFrame
	}
	return info.bytesSent + info.bytesReceived + (uint64(info.segsOut)+uint64(info.segsIn))*headers
}
