package control

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// inside is a cloud that can only run commands: each waits for one size of its
// terminal, and for the end of its input if it has none.
type inside struct {
	Cloud
	got  runtime.Command
	size runtime.Size
}

func (i *inside) Exec(ctx context.Context, _ string, c runtime.Command) (int, error) {
	i.got = c
	select {
	case i.size = <-c.Resize:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func TestEnvironmentAndSizesTravel(t *testing.T) {
	cloud := &inside{}
	server := httptest.NewServer(Handler(cloud, "secret"))
	defer server.Close()
	c := NewClient(server.URL, "secret")
	defer c.Close()
	sizes := make(chan runtime.Size, 1)
	sizes <- runtime.Size{Rows: 50, Cols: 70000}
	cmd := runtime.Command{Args: []string{"x"}, Env: []string{"A=b c"}, TTY: true, Rows: 2, Cols: 3, Resize: sizes}
	code, err := c.Exec(t.Context(), "i-1", cmd)
	if err != nil || code != 0 || cloud.size != (runtime.Size{Rows: 50, Cols: 70000}) {
		t.Errorf("%d, %v, %+v", code, err, cloud.size)
	}
	if !slices.Equal(cloud.got.Env, cmd.Env) || !cloud.got.TTY || cloud.got.Rows != 2 || cloud.got.Cols != 3 {
		t.Errorf("arrived as %+v", cloud.got)
	}
}

func TestSizes(t *testing.T) {
	for _, s := range []runtime.Size{{}, {Rows: 1, Cols: 2}, {Rows: 1 << 20, Cols: 65536}} {
		if got, err := parseSize(size(s)); err != nil || got != s {
			t.Errorf("%+v became %+v, %v", s, got, err)
		}
	}
	if _, err := parseSize([]byte("1234567")); err == nil {
		t.Error("half a size was understood")
	}
}
