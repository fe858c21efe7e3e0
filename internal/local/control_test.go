package local_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

func (w *world) client() *control.Client {
	c := control.NewClient(w.url, w.Admin().SecretAccessKey)
	w.t.Cleanup(c.Close)
	return c
}

func TestControl(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	s, err := c.Advance(t.Context(), time.Hour)
	noError(t, err)
	if s.Runtime != "fake" || s.Instances["running"] != 1 || s.Offset != time.Hour || s.Calls == 0 {
		t.Errorf("the status is %+v", s)
	}
	if _, err := c.Advance(t.Context(), -time.Hour); err == nil {
		t.Error("the clock went back")
	}
	calls, err := c.Tape(t.Context(), 0)
	noError(t, err)
	if calls[0].Action != "RunInstances" || calls[0].Error != "" || len(calls[0].Needs) == 0 || calls[0].Principal != "arn:aws:iam::123456789012:user/admin" {
		t.Errorf("the first call is %+v", calls[0])
	}
	noError(t, c.Shutdown(t.Context()))
	noError(t, c.Shutdown(t.Context()))
	select {
	case <-w.ShutdownRequested():
	default:
		t.Error("nobody heard the request to shut down")
	}
}

func TestControlIsTheOwnersAlone(t *testing.T) {
	w := newWorld(t)
	c := control.NewClient(w.url, "guess")
	defer c.Close()
	if _, err := c.Status(t.Context()); err == nil {
		t.Error("a wrong secret gave the status")
	}
	if _, err := c.Exec(t.Context(), "i-1", runtime.Command{}); err == nil {
		t.Error("a wrong secret ran a command")
	}
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.machines.get(id).spec.APIAddr+control.Prefix+"status", nil)
	noError(t, err)
	r.Header.Set("Authorization", "Bearer "+w.Admin().SecretAccessKey)
	answer := &recorder{header: http.Header{}}
	w.machines.get(id).spec.API.ServeHTTP(answer, r)
	if answer.status == http.StatusOK {
		t.Error("the control interface is there inside an instance")
	}
}

type recorder struct {
	header http.Header
	status int
	bytes.Buffer
}

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }

func TestExec(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	var out, errOut bytes.Buffer
	input := strings.Repeat("line\n", 50_000) // more than a frame, and than a socket's buffer
	code, err := c.Exec(t.Context(), id, runtime.Command{Args: []string{"cat"}, Stdin: strings.NewReader(input), Stdout: &out, Stderr: &errOut})
	noError(t, err)
	if code != 7 || out.String() != input || errOut.String() != "done" {
		t.Errorf("exit %d, %d bytes out, %q", code, out.Len(), errOut.String())
	}
	_, err = c.Exec(t.Context(), id, runtime.Command{Args: []string{"none"}})
	if !errors.Is(err, runtime.ErrNoInside) {
		t.Errorf("got %v, want ErrNoInside", err)
	}
	if _, err := c.Exec(t.Context(), "i-00000000000000000", runtime.Command{}); err == nil {
		t.Error("ran a command in an instance that does not exist")
	}
	blocked, end := io.Pipe()
	defer end.Close()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Exec(short, id, runtime.Command{Args: []string{"cat"}, Stdin: blocked, Stdout: io.Discard}); !errors.Is(err, short.Err()) {
		t.Errorf("got %v when the time was up", err)
	}
}

// A response that is lost leaves its effect behind; one that never arrived
// does not. The client token finds out which.
func TestHooks(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	for _, c := range []struct {
		at   tape.Point
		want int
	}{{tape.Before, 0}, {tape.Effect, 1}} {
		remove := w.Tape().AddHook(func(p tape.Point, call tape.Call) tape.Verdict {
			if call.Action == "RunInstances" && p == c.at {
				return tape.HangUp
			}
			return tape.Continue
		})
		token := aws.String("hook-" + string(rune('a'+int(c.at))))
		_, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1),
			MaxCount: aws.Int32(1), ClientToken: token,
		}, func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} })
		if err == nil {
			t.Error("the lost response came")
		}
		remove()
		out, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("client-token"), Values: []string{*token}}}})
		noError(t, err)
		if len(out.Reservations) != c.want {
			t.Errorf("point %d: %d instances, want %d", c.at, len(out.Reservations), c.want)
		}
	}
}

// A hook that stands after an answer keeps nobody waiting for it.
func TestAnAnswerIsSentBeforeTheHookAfterIt(t *testing.T) {
	w := newWorld(t)
	heard := make(chan struct{})
	defer w.Tape().AddHook(func(p tape.Point, _ tape.Call) tape.Verdict {
		if p == tape.After {
			select {
			case <-heard:
			case <-time.After(10 * time.Second):
				t.Error("the answer waits for the hook")
			}
		}
		return tape.Continue
	})()
	_, err := w.sts(w.admin()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	close(heard)
	noError(t, err)
}

func TestDepthIsReadFromTheTape(t *testing.T) {
	w := newWorld(t)
	api := w.sts(w.admin())
	ask := func(done chan<- error) {
		_, err := api.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		done <- err
	}
	// Both calls must be under way before either goes on.
	arrived := make(chan struct{}, 2)
	gate := make(chan struct{})
	remove := w.Tape().AddHook(func(p tape.Point, _ tape.Call) tape.Verdict {
		if p == tape.Before {
			arrived <- struct{}{}
			<-gate
		}
		return tape.Continue
	})
	done := make(chan error, 2)
	go ask(done)
	go ask(done)
	<-arrived
	<-arrived
	close(gate)
	noError(t, <-done)
	noError(t, <-done)
	remove()
	ask(done)
	noError(t, <-done)
	if got := tape.Depth(w.Tape().Calls(0)); got != 2 {
		t.Errorf("depth %d, want 2", got)
	}
}
