package sense

import (
	"context"
	"net"
	"sync"
)

// meter counts what connections move over the machine's interfaces, headers
// included. A connection to an address of the machine itself moves nothing over
// them and is not counted.
type meter struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	closed uint64            // bytes, of connections that are closed
	open   map[*metered]bool // connections that are not
}

func newMeter(d *net.Dialer) *meter {
	return &meter{dial: d.DialContext, open: map[*metered]bool{}}
}

// DialContext opens a connection that is counted.
func (m *meter) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := m.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if sameMachine(conn) {
		return conn, nil
	}
	c := &metered{Conn: conn, meter: m}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[c] = true
	return c, nil
}

// moved is how many bytes all connections have moved so far. It never goes
// back.
func (m *meter) moved() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	total := m.closed
	for c := range m.open {
		c.seen = max(c.seen, onTheWire(c.Conn))
		total += c.seen
	}
	return total
}

// sameMachine tells that both ends of a connection are here.
func sameMachine(conn net.Conn) bool {
	local, ok1 := conn.LocalAddr().(*net.TCPAddr)
	remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	return ok1 && ok2 && (local.IP.Equal(remote.IP) || remote.IP.IsLoopback())
}

type metered struct {
	net.Conn
	meter *meter
	seen  uint64 // bytes, when last looked at; guarded by meter.mu
}

func (c *metered) Close() error {
	c.meter.mu.Lock()
	if c.meter.open[c] {
		delete(c.meter.open, c)
		c.meter.closed += max(c.seen, onTheWire(c.Conn)) + goodbye
	}
	c.meter.mu.Unlock()
	return c.Conn.Close()
}
