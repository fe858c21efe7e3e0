package local_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
)

// initKey makes the test binary the init of a sandbox.
const initKey = "LOCAL_TEST_INIT"

func TestMain(m *testing.M) {
	if os.Getenv(initKey) != "" {
		sandbox.Main()
	}
	os.Exit(m.Run())
}

// What a machine that really boots prints is its console output, over a reboot
// and after its end, and no more than 64 KB of it.
func TestConsoleOfAMachineThatBoots(t *testing.T) {
	dir := t.TempDir()
	opts := sandbox.Options{Init: []string{"/proc/self/exe"}, Env: []string{initKey + "=1"}}
	if err := sandbox.Trial(t.Context(), opts, filepath.Join(dir, "trial")); err != nil {
		t.Skipf("no sandbox here: %v", err)
	}
	w := &world{t: t, http: &http.Client{Transport: &http.Transport{}}, clock: clock.New(), dir: dir}
	server := httptest.NewUnstartedServer(nil)
	var err error
	w.Cloud, err = local.New(local.Options{Dir: dir, Runtime: sandbox.New(opts), Addr: server.Listener.Addr().String(), Clock: w.clock})
	noError(t, err)
	server.Config.Handler = w.Handler()
	server.Start()
	w.url = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		noError(t, w.Close(ctx))
		server.Close()
		noError(t, sandbox.Remove(filepath.Join(dir, "instances")))
	})
	api := w.ec2(w.admin())
	script := "Content-Type: text/cloud-boothook\n\n#!/bin/sh\nhead -c 60000 /dev/zero | tr '\\0' x | fold\necho boot of $INSTANCE_ID\n"
	id := *w.run(func(in *ec2.RunInstancesInput) {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(script)))
	}).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	text := awaitConsole(t, api, id, "user-data is done")
	if !strings.Contains(text, "boot of "+id) {
		t.Errorf("the console lacks what the user-data said:\n%s", text[max(0, len(text)-300):])
	}
	_, err = api.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	text = awaitConsole(t, api, id, "init: reboot")
	if len(text) > 64<<10 {
		t.Errorf("%d bytes of console", len(text))
	}
	_, err = api.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameTerminated)
}

// awaitConsole waits until an instance's console shows a text.
func awaitConsole(t *testing.T, api *ec2.Client, id, want string) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := api.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &id, Latest: aws.Bool(true)})
		noError(t, err)
		text, err := base64.StdEncoding.DecodeString(aws.ToString(out.Output))
		noError(t, err)
		if strings.Contains(string(text), want) {
			return string(text)
		}
		if time.Now().After(end) {
			t.Fatalf("no %q on the console:\n%s", want, text)
		}
	}
}
