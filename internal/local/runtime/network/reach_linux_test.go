package network

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/imds"
	"github.com/spawn-ec2/spawn/internal/local/server"
)

// instance is one whose metadata may travel three hops.
type instance struct{}

func (instance) Now() time.Time { return time.Now() }
func (instance) Facts() (imds.Facts, bool) {
	return imds.Facts{Enabled: true, TokensRequired: true, InstanceID: "i-1", HopLimit: 3}, true
}
func (instance) Credentials() (imds.Credentials, bool) { return imds.Credentials{}, false }

// A session's first answer leaves with the time to live that the instance's hop
// limit gives it.
func TestATokenTravelsNoFurtherThanItMay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	srv := server.New(imds.New(instance{}), slog.New(slog.DiscardHandler))
	srv.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		accepted <- conn
		return withReach(ctx, conn)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+l.Addr().String()+"/latest/api/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-aws-ec2-metadata-token-ttl-seconds", "60")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
	raw, err := (<-accepted).(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ttl := 0
	if err := raw.Control(func(fd uintptr) { ttl, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TTL) }); err != nil {
		t.Fatal(err)
	}
	if err != nil || ttl != 3 {
		t.Errorf("the answer's time to live is %d, want 3 (%v)", ttl, err)
	}
}
