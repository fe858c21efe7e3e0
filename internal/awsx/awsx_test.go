package awsx_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// noAWS takes everything away that could point at a real account.
func noAWS(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	empty := t.TempDir()
	t.Setenv("HOME", empty)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func connect(t *testing.T, endpoint string) *awsx.Target {
	t.Helper()
	target, err := awsx.Connect(t.Context(), awsx.Options{Local: &awsx.Local{Endpoint: endpoint, AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// answering is a service that says the same to every call and counts them.
func answering(t *testing.T, status int, date time.Time, body string) (endpoint string, calls *atomic.Int32) {
	t.Helper()
	calls = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, calls
}

func ec2Error(code, message string) string {
	return "<Response><Errors><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
}

var stopOne = &ec2.StopInstancesInput{InstanceIds: []string{"i-1"}}

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`

func TestNoCredentialsNamesTheWaysToGetGoing(t *testing.T) {
	noAWS(t)
	_, err := awsx.Connect(t.Context(), awsx.Options{})
	if problem.KindOf(err) != problem.Denied {
		t.Fatalf("kind %v, want Denied: %v", problem.KindOf(err), err)
	}
	if next := problem.NextOf(err); !strings.Contains(next, "--local") {
		t.Errorf("the next step does not name --local: %q", next)
	}
}

func TestUnknownProfileIsDenied(t *testing.T) {
	noAWS(t)
	_, err := awsx.Connect(t.Context(), awsx.Options{Profile: "nobody"})
	if problem.KindOf(err) != problem.Denied {
		t.Fatalf("kind %v, want Denied: %v", problem.KindOf(err), err)
	}
}

func TestRegionComesFromFlagThenEnvironmentThenProfileThenDefault(t *testing.T) {
	noAWS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	region := func(o awsx.Options) string {
		target, err := awsx.Connect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return target.Region
	}
	if got := region(awsx.Options{}); got != awsx.DefaultRegion {
		t.Errorf("without any: %s", got)
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("[profile p]\nregion = eu-north-1\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	if got := region(awsx.Options{Profile: "p"}); got != "eu-north-1" {
		t.Errorf("by the profile: %s", got)
	}
	t.Setenv("AWS_REGION", "eu-west-1")
	if got := region(awsx.Options{}); got != "eu-west-1" {
		t.Errorf("by the environment: %s", got)
	}
	if got := region(awsx.Options{Region: "us-west-2"}); got != "us-west-2" {
		t.Errorf("by the flag: %s", got)
	}
	if got := region(awsx.Options{Local: &awsx.Local{Endpoint: "http://127.0.0.1:1", AccessKeyID: "a", SecretAccessKey: "b"}}); got != awsx.DefaultRegion {
		t.Errorf("the local cloud took the environment's region: %s", got)
	}
}

func TestEndpointOfTheEnvironmentIsUsed(t *testing.T) {
	noAWS(t)
	endpoint, calls := answering(t, http.StatusOK, time.Now(), identity)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	target, err := awsx.Connect(t.Context(), awsx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sts.NewFromConfig(target.Config()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 1 || !target.OnLoopback() {
		t.Errorf("%d calls arrived, on loopback: %v", calls.Load(), target.OnLoopback())
	}
}

func TestClockFollowsTheService(t *testing.T) {
	ahead := 90 * time.Minute
	endpoint, _ := answering(t, http.StatusOK, time.Now().Add(ahead), identity)
	target := connect(t, endpoint)
	if _, err := sts.NewFromConfig(target.Config()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	if got := time.Until(target.Clock.Now()); (got - ahead).Abs() > 3*time.Second {
		t.Errorf("the clock is %v ahead, want %v", got, ahead)
	}
}

func TestLackOfCapacityIsNotRetried(t *testing.T) {
	endpoint, calls := answering(t, http.StatusInternalServerError, time.Now(), ec2Error("InsufficientInstanceCapacity", "none left"))
	_, err := connect(t, endpoint).EC2().RunInstances(t.Context(), &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
	if calls.Load() != 1 {
		t.Errorf("%d calls, want 1", calls.Load())
	}
	if kind := problem.KindOf(awsx.Explain(err)); kind != problem.NoCapacity {
		t.Errorf("kind %v, want NoCapacity", kind)
	}
}

func TestExplain(t *testing.T) {
	tests := map[string]struct {
		status int
		code   string
		kind   problem.Kind
		next   string
	}{
		"denied":        {http.StatusForbidden, "UnauthorizedOperation", problem.Denied, "ec2:StopInstances"},
		"stale session": {http.StatusBadRequest, "ExpiredToken", problem.Denied, "sso login"},
		"no capacity":   {http.StatusInternalServerError, "InsufficientInstanceCapacity", problem.NoCapacity, "another zone"},
		"theirs":        {http.StatusServiceUnavailable, "Unavailable", problem.Failed, "try again"},
		"something":     {http.StatusBadRequest, "IncorrectInstanceState", problem.Failed, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			endpoint, _ := answering(t, tt.status, time.Now(), ec2Error(tt.code, "It cannot be."))
			_, err := connect(t, endpoint).EC2().StopInstances(t.Context(), stopOne)
			err = awsx.Explain(fmt.Errorf("stop i-1: %w", err))
			if got := problem.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := problem.NextOf(err); !strings.Contains(got, tt.next) || tt.next == "" && got != "" {
				t.Errorf("next step %q, want %q", got, tt.next)
			}
			text := err.Error()
			if !strings.HasPrefix(text, "stop i-1: ") || !strings.Contains(text, tt.code) {
				t.Errorf("what was done, or the code, is missing: %q", text)
			}
			if strings.Contains(text, "operation error") || strings.Contains(text, "StatusCode") {
				t.Errorf("raw SDK text: %q", text)
			}
		})
	}
}

// What EC2 says to machines is left out, and the permission to ask for is the
// one that was missing.
func TestExplainRefusal(t *testing.T) {
	endpoint, _ := answering(t, http.StatusForbidden, time.Now(), ec2Error("UnauthorizedOperation",
		"You are not authorized to perform this operation. User: arn:aws:iam::1:user/a is not authorized to perform: ssm:GetParameters on resource: x. Encoded authorization failure message: VXNlcjog"))
	_, err := connect(t, endpoint).EC2().StopInstances(t.Context(), stopOne)
	err = awsx.Explain(errors.Join(fmt.Errorf("stop one: %w", err), fmt.Errorf("stop two: %w", err)))
	if text := err.Error(); strings.Contains(text, "VXN") || strings.Contains(text, "operation error") || strings.Count(text, "was refused") != 2 {
		t.Errorf("%q", text)
	}
	if next := problem.NextOf(err); !strings.Contains(next, "ssm:GetParameters") {
		t.Errorf("next step %q", next)
	}
}

func TestExplainKeepsAKindThatWasGiven(t *testing.T) {
	endpoint, _ := answering(t, http.StatusBadRequest, time.Now(), ec2Error("IncorrectInstanceState", "no"))
	_, err := connect(t, endpoint).EC2().StopInstances(t.Context(), stopOne)
	err = awsx.Explain(problem.New(problem.Partial, "half: %w", err).WithNext("do this"))
	if problem.KindOf(err) != problem.Partial || problem.NextOf(err) != "do this" {
		t.Errorf("kind %v, next %q", problem.KindOf(err), problem.NextOf(err))
	}
}

func TestExplainLeavesOtherErrorsAlone(t *testing.T) {
	plain := errors.New("plain")
	if got := awsx.Explain(plain); !errors.Is(got, plain) {
		t.Errorf("got %v", got)
	}
	if awsx.Explain(nil) != nil {
		t.Error("an error was made of none")
	}
	if got := problem.KindOf(awsx.Explain(fmt.Errorf("x: %w", context.Canceled))); got != problem.Interrupted {
		t.Errorf("kind %v, want Interrupted", got)
	}
}

func TestUnreachableServiceSaysSo(t *testing.T) {
	srv := httptest.NewServer(nil)
	srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	target := connect(t, srv.URL)
	_, err := target.EC2().StopInstances(ctx, stopOne, func(o *ec2.Options) { o.RetryMaxAttempts = 1 })
	err = awsx.Explain(err)
	if !strings.Contains(problem.NextOf(err), "AWS_ENDPOINT_URL") {
		t.Errorf("next step %q for %v", problem.NextOf(err), err)
	}
}

// TestCertificatesOfACompanyAreTrusted: behind a proxy that opens TLS, AWS has
// the certificates of AWS_CA_BUNDLE.
func TestCertificatesOfACompanyAreTrusted(t *testing.T) {
	noAWS(t)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(srv.Close)
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": srv.URL, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CA_BUNDLE": bundle,
	} {
		t.Setenv(name, value)
	}
	os.Unsetenv("AWS_CA_BUNDLE")
	target, err := awsx.Connect(t.Context(), awsx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sts.NewFromConfig(target.Config()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if next := problem.NextOf(awsx.Explain(err)); !strings.Contains(next, "AWS_CA_BUNDLE") || strings.Contains(err.Error(), "attempts, 5") {
		t.Errorf("%v: %s", err, next)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if target, err = awsx.Connect(t.Context(), awsx.Options{}); err != nil {
		t.Fatal(err)
	}
	who, err := sts.NewFromConfig(target.Config()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(who.Account) != "1" {
		t.Errorf("%+v %v", who, err)
	}
}
