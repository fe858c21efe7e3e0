package local_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/sdkhttp"
)

const (
	region = "us-east-1"
	al2023 = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
)

// world is a cloud with a server before it.
type world struct {
	*local.Cloud
	t        testing.TB
	url      string
	http     *http.Client
	machines *machines
	clock    *clock.Clock
	dir      string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return startWorld(t, t.TempDir(), false)
}

// startWorld makes a cloud in a folder, whose state is kept there or not.
func startWorld(t testing.TB, dir string, keep bool) *world {
	t.Helper()
	return startWorldWith(t, dir, keep, &machines{byID: map[string]*fakeMachine{}})
}

func startWorldWith(t testing.TB, dir string, keep bool, how *machines) *world {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, http: &http.Client{Transport: &http.Transport{}}, machines: how, clock: clock.New(), dir: dir}
	w.Cloud, err = local.New(local.Options{Dir: w.dir, Keep: keep, Runtime: w.machines, Addr: listener.Addr().String(), Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(w.Handler())
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	w.url = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Error(err)
		}
		w.http.CloseIdleConnections()
		server.Close()
	})
	return w
}

// who are the credentials and place of a client.
type who struct {
	key, secret, token, region string
}

func (w *world) admin() who {
	a := w.Admin()
	return who{a.AccessKeyID, a.SecretAccessKey, "", region}
}

func (w *world) config(c who) aws.Config {
	return aws.Config{
		Region: c.region, BaseEndpoint: aws.String(w.url), HTTPClient: sdkhttp.Steady(w.http), Retryer: twice,
		Credentials: credentials.NewStaticCredentialsProvider(c.key, c.secret, c.token),
	}
}

func (w *world) ec2(c who) *ec2.Client { return ec2.NewFromConfig(w.config(c)) }
func (w *world) iam(c who) *iam.Client { return iam.NewFromConfig(w.config(c)) }
func (w *world) sts(c who) *sts.Client { return sts.NewFromConfig(w.config(c)) }
func (w *world) s3(c who) *s3.Client {
	return s3.NewFromConfig(w.config(c), func(o *s3.Options) { o.UsePathStyle = true })
}

// run launches one instance, changed by edit, and returns it.
func (w *world) run(edit func(*ec2.RunInstancesInput)) types.Instance {
	w.t.Helper()
	in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	if edit != nil {
		edit(in)
	}
	out, err := w.ec2(w.admin()).RunInstances(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Instances[0]
}

func (w *world) describe(id string) types.Instance {
	w.t.Helper()
	out, err := w.ec2(w.admin()).DescribeInstances(w.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Reservations[0].Instances[0]
}

// await waits until an instance is in a state. Transitions happen in goroutines
// of the cloud; this is the one place where tests look at the real clock.
func (w *world) await(id string, state types.InstanceStateName) types.Instance {
	w.t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		i := w.describe(id)
		if i.State.Name == state {
			return i
		}
		if time.Now().After(until) {
			w.t.Fatalf("%s is %s, not %s", id, i.State.Name, state)
		}
	}
}

// wantCode fails unless err is an API error with the code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("got %v, want the code %s", err, code)
	}
}

// codeOf is the code of an API error; empty for anything else.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machines is a runtime whose machines do what a test tells them.
type machines struct {
	mu      sync.Mutex
	byID    map[string]*fakeMachine
	bootErr error         // what the next boots end in
	hold    chan struct{} // boots wait until it is closed
}

func (*machines) Name() string { return "fake" }

func (m *machines) Boot(ctx context.Context, spec runtime.Machine) (runtime.Running, error) {
	m.mu.Lock()
	err, hold := m.bootErr, m.hold
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	f := &fakeMachine{spec: spec, done: make(chan struct{}), rebooted: make(chan struct{}, 9)}
	m.mu.Lock()
	m.byID[spec.ID] = f
	m.mu.Unlock()
	_, _ = spec.Console.Write([]byte("booted " + spec.ID + "\n"))
	return f, nil
}

func (m *machines) get(id string) *fakeMachine {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byID[id]
}

type fakeMachine struct {
	spec     runtime.Machine
	once     sync.Once
	done     chan struct{}
	slow     chan struct{} // PowerOff waits until it is closed
	rebooted chan struct{} // hears of every Reboot
}

func (f *fakeMachine) Done() <-chan struct{} { return f.done }

func (f *fakeMachine) PowerOff(ctx context.Context) {
	if f.slow != nil {
		select {
		case <-f.slow:
		case <-ctx.Done():
		}
	}
	f.shutDown()
}

func (f *fakeMachine) Reboot(context.Context) { f.rebooted <- struct{}{} }

// shutDown is the machine powering itself off.
func (f *fakeMachine) shutDown() { f.once.Do(func() { close(f.done) }) }

// Exec echoes its input and exits with 7.
func (f *fakeMachine) Exec(_ context.Context, c runtime.Command) (int, error) {
	if len(c.Args) > 0 && c.Args[0] == "none" {
		return 0, runtime.ErrNoInside
	}
	b := make([]byte, 1024)
	for {
		n, err := c.Stdin.Read(b)
		if _, writeErr := c.Stdout.Write(b[:n]); writeErr != nil {
			return 0, writeErr
		}
		if err != nil {
			break
		}
	}
	_, err := c.Stderr.Write([]byte("done"))
	return 7, err
}

// ask asks the machine's metadata service as a process inside does, with a
// session of version 2.
const metadataURL = "http://169.254.169.254"

func (f *fakeMachine) ask(t testing.TB, path string) (int, string) {
	t.Helper()
	put := httptest.NewRequest(http.MethodPut, metadataURL+"/latest/api/token", nil)
	put.Header.Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
	token := httptest.NewRecorder()
	f.spec.Metadata.ServeHTTP(token, put)
	get := httptest.NewRequest(http.MethodGet, metadataURL+path, nil)
	get.Header.Set("X-Aws-Ec2-Metadata-Token", token.Body.String())
	answer := httptest.NewRecorder()
	f.spec.Metadata.ServeHTTP(answer, get)
	return answer.Code, answer.Body.String()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
