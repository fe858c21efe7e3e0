package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// The kinds of message between the host and a machine's init. Each is one
// packet of a socket pair, with open files beside it where the kind says so.
const (
	kindMachine   = "machine"   // host: what to be
	kindListeners = "listeners" // init: the metadata socket and, if there is an API, its socket, are the files
	kindGo        = "go"        // host: both are served, run the user-data
	kindPowerOff  = "power-off" // host: shut down
	kindReboot    = "reboot"    // host: shut down, to be booted again
	kindExec      = "exec"      // host: run a command; stdin, stdout and stderr are the files unless it has a terminal
	kindKill      = "kill"      // host: kill the command with this id
	kindTerminal  = "terminal"  // init: the command's terminal is the file
	kindExit      = "exit"      // init: the command with this id ended
	kindLog       = "log"       // init: something that the cloud's operator should know
	kindFailed    = "failed"    // init: the machine cannot be set up, and why
)

// message is what one packet says.
type message struct {
	Kind    string   `json:"kind"`
	Machine *spec    `json:"machine,omitempty"`
	ID      int      `json:"id,omitempty"`
	Args    []string `json:"args,omitempty"`
	Env     []string `json:"env,omitempty"`
	TTY     bool     `json:"tty,omitempty"`
	Rows    int      `json:"rows,omitempty"`
	Cols    int      `json:"cols,omitempty"`
	Code    int      `json:"code,omitempty"`
	Text    string   `json:"text,omitempty"`
}

// spec is a machine as its init has to know it.
type spec struct {
	ID        string `json:"id"`
	Hostname  string `json:"hostname"`
	PrivateIP string `json:"private_ip"`
	Gateway   string `json:"gateway,omitempty"`
	VCPUs     int    `json:"vcpus"`
	Disk      string `json:"disk"` // folder on the host that carries the machine's files
	Home      string `json:"home"` // home directory of the cloud's user, to be hidden wherever it is
	API       string `json:"api"`  // address to listen on for the cloud's endpoint; may be empty
}

// maxPacket is the longest message; a command line must fit into it.
const maxPacket = 128 << 10

// link is one end of the socket pair. Any goroutine may send; one receives.
type link struct {
	conn *net.UnixConn
	mu   sync.Mutex // over sending
	buf  []byte     // of the goroutine that receives
}

// newLink takes over f, one end of a socket pair.
func newLink(f *os.File) (*link, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("use the control socket: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("use the control socket: %w", err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("the control socket is a %T", c)
	}
	return &link{conn: conn, buf: make([]byte, maxPacket)}, nil
}

// socketPair returns the two ends, neither of which any other child inherits.
func socketPair() (host, inside *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make the control socket: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control inside"), nil
}

// send sends a message with open files; the caller's copies stay open.
func (l *link) send(m message, files ...*os.File) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", m.Kind, err)
	}
	if len(b) > maxPacket {
		return fmt.Errorf("send %s: longer than %d KiB", m.Kind, maxPacket>>10)
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, _, err := l.conn.WriteMsgUnix(b, rights, nil); err != nil {
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	return nil
}

// receive waits for a message. The files that come with it are the caller's,
// and not inherited by children. io.EOF says that the other end has gone.
func (l *link) receive() (message, []int, error) {
	oob := make([]byte, unix.CmsgSpace(3*4))
	n, oobn, flags, _, err := l.conn.ReadMsgUnix(l.buf, oob)
	if err != nil {
		return message{}, nil, err
	}
	fds, err := rightsIn(oob[:oobn])
	if err != nil {
		return message{}, nil, err
	}
	var m message
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = fmt.Errorf("a message was cut short")
	} else if err = json.Unmarshal(l.buf[:n], &m); err != nil {
		err = fmt.Errorf("decode message: %w", err)
	}
	if err != nil {
		closeAll(fds)
		return message{}, nil, err
	}
	return m, fds, nil
}

func rightsIn(oob []byte) ([]int, error) {
	controls, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("read passed files: %w", err)
	}
	var fds []int
	for i := range controls {
		got, err := unix.ParseUnixRights(&controls[i])
		if err != nil {
			closeAll(fds)
			return nil, fmt.Errorf("read passed files: %w", err)
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

// closeAll closes descriptors that nobody wrote to, so nothing can be lost.
func closeAll(fds []int) {
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
}
