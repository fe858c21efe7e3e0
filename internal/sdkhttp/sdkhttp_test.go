package sdkhttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/sdkhttp"
)

// closedEarly is a body as the SDK leaves it when the answer's headers come
// before net/http has looked behind the body's end: it reads like any other,
// and its WriteTo says io.EOF.
type closedEarly struct{ *strings.Reader }

func (closedEarly) Close() error                     { return nil }
func (closedEarly) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }

func TestABodyClosedEarlyBreaksNoConnection(t *testing.T) {
	const body = "Action=CreateVpc"
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || string(got) != body {
			t.Errorf("%q %v", got, err)
		}
	}))
	defer server.Close()
	ask := func(c sdkhttp.Client) error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, closedEarly{strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = int64(len(body))
		answer, err := c.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.ReadAll(answer.Body)
		return err
	}
	if err := ask(http.DefaultClient); err == nil {
		t.Log("net/http takes such a body by now: this package has had its day")
	}
	for range 20 {
		if err := ask(sdkhttp.Steady(http.DefaultClient)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRequestsWithoutABodyHaveNone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			t.Errorf("a body of %d bytes", r.ContentLength)
		}
	}))
	defer server.Close()
	for _, body := range []io.Reader{nil, http.NoBody} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := sdkhttp.Steady(http.DefaultClient).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
}
