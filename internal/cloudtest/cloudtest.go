// Package cloudtest gives tests a cloud to talk to: the local one, in this
// process and without booting anything, and moto, which nobody here wrote and
// which therefore judges. Only tests import it.
package cloudtest

import (
	"bufio"
	"context"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
)

// Cloud is a cloud and a connection to it as its administrator.
type Cloud struct {
	Name   string
	Target *awsx.Target
	Local  *local.Cloud // nil for moto
}

// Each runs a test against the local cloud and against moto.
func Each(t *testing.T, test func(t *testing.T, c Cloud)) {
	t.Helper()
	t.Run("local", func(t *testing.T) { test(t, Local(t, nil)) })
	t.Run("moto", func(t *testing.T) { test(t, Moto(t)) })
}

// Local starts a local cloud in this process. Its machines do not boot unless a
// runtime is given.
func Local(t *testing.T, how runtime.Runtime) Cloud {
	t.Helper()
	if how == nil {
		how = none.New()
	}
	srv := httptest.NewUnstartedServer(nil)
	cloud, err := local.New(local.Options{Dir: t.TempDir(), Runtime: how, Addr: srv.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = cloud.Handler()
	srv.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := cloud.Close(ctx); err != nil {
			t.Errorf("close the local cloud: %v", err)
		}
		srv.Close()
	})
	return Cloud{Name: "local", Local: cloud, Target: connectLocal(t, cloud, srv.URL)}
}

// Again is the same local cloud for a program that was just started: it has not
// heard from it yet.
func (c Cloud) Again(t *testing.T) Cloud {
	t.Helper()
	c.Target = connectLocal(t, c.Local, c.Target.Endpoint)
	return c
}

func connectLocal(t *testing.T, cloud *local.Cloud, url string) *awsx.Target {
	t.Helper()
	admin := cloud.Admin()
	return connect(t, awsx.Local{Endpoint: url, AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey})
}

var motoAddress = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// Moto starts moto's server, or skips the test where moto is not installed.
func Moto(t testing.TB) Cloud {
	t.Helper()
	if err := exec.Command("python3", "-c", "import moto.server").Run(); err != nil {
		t.Skip("moto is not installed (python3 -m pip install 'moto[server]'): this foreign judge is not heard")
	}
	cmd := exec.Command("python3", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := motoAddress.FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				for lines.Scan() {
				}
			}()
			return Cloud{Name: "moto", Target: connect(t, awsx.Local{Endpoint: m[1], AccessKeyID: "AKIDMOTO", SecretAccessKey: "moto"})}
		}
	}
	t.Fatal("moto ended before it said where it listens")
	return Cloud{}
}

func connect(t testing.TB, at awsx.Local) *awsx.Target {
	t.Helper()
	target, err := awsx.Connect(t.Context(), awsx.Options{Local: &at})
	if err != nil {
		t.Fatal(err)
	}
	return target
}
