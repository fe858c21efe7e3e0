package server

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Who sends a request byte by byte, or half of one, is cut off; an answer may
// take longer than a request.
func TestSlowRequestsAreCutOff(t *testing.T) {
	short := patience{header: 100 * time.Millisecond, body: 100 * time.Millisecond, idle: 100 * time.Millisecond}
	bodies := make(chan error, 1)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		bodies <- err
		if err != nil {
			return
		}
		select {
		case <-time.After(300 * time.Millisecond):
			w.WriteHeader(http.StatusTeapot)
		case <-r.Context().Done():
		}
	}), short, slog.New(slog.DiscardHandler))
	srv.Start()
	t.Cleanup(srv.Close)

	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	drip := func(conn net.Conn, head string) { // until the connection is closed
		if _, err := io.WriteString(conn, head); err != nil {
			return
		}
		for range 200 {
			time.Sleep(20 * time.Millisecond)
			if _, err := io.WriteString(conn, "a"); err != nil {
				return
			}
		}
	}
	var timeout net.Error
	for name, head := range map[string]string{"headers": "POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "nothing": ""} {
		conn := dial()
		go drip(conn, head)
		if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: the connection is still there", name)
		}
	}
	conn := dial()
	go drip(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
	if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("body: the connection is still there")
	}
	if err := <-bodies; err == nil {
		t.Error("the slow body was read to its end")
	}
	for _, whole := range []string{"Content-Length: 2\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "\r\n"} {
		conn := dial()
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\n"+whole); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", whole, err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusTeapot {
			t.Errorf("%q: %d", whole, answer.StatusCode)
		}
		if err := <-bodies; err != nil {
			t.Errorf("%q: %v", whole, err)
		}
	}
}
