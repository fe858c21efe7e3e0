package localcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// desk is a user with a local cloud that runs in the test's process.
type desk struct {
	t     *testing.T
	cloud *local.Cloud
	api   *ec2.Client
	home  *Cloud
	out   bytes.Buffer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	cloud, err := local.New(local.Options{Dir: t.TempDir(), Runtime: none.New(), Addr: srv.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = cloud.Handler()
	srv.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := cloud.Close(ctx); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	d := &desk{t: t, cloud: cloud}
	admin := cloud.Admin()
	d.home = NewCloud(term.Streams{Out: &d.out, Err: &d.out}, t.TempDir())
	if err := d.home.writeContact(contact{settings.LocalContact{Endpoint: srv.URL, AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey}}); err != nil {
		t.Fatal(err)
	}
	d.api = ec2.New(ec2.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
	})
	return d
}

// fault runs "spawn local fault" with the arguments and returns what it printed.
func (d *desk) fault(args ...string) (string, error) {
	f := &factory.Factory{Streams: d.home.streams, Places: settings.Places{State: d.t.TempDir()}, Cloud: d.home}
	cmd := d.home.faultCommand(f)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&d.out)
	cmd.SetErr(&d.out)
	d.out.Reset()
	err := cmd.ExecuteContext(d.t.Context())
	return d.out.String(), err
}

// must is fault for what has to work.
func (d *desk) must(args ...string) string {
	d.t.Helper()
	out, err := d.fault(args...)
	if err != nil {
		d.t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return out
}

// vpcs makes a call that changes nothing and returns its error code.
func (d *desk) vpcs() string {
	_, err := d.api.DescribeVpcs(d.t.Context(), &ec2.DescribeVpcsInput{})
	return code(err)
}

func (d *desk) subnets() string {
	_, err := d.api.DescribeSubnets(d.t.Context(), &ec2.DescribeSubnetsInput{})
	return code(err)
}

func (d *desk) launch(kind types.InstanceType, zone string, spot bool) (string, error) {
	in := &ec2.RunInstancesInput{
		ImageId:      aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		InstanceType: kind, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), Placement: &types.Placement{AvailabilityZone: &zone},
	}
	if spot {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	}
	out, err := d.api.RunInstances(d.t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.Instances[0].InstanceId, nil
}

// state waits until an instance is in a state and returns it.
func (d *desk) state(id string, want types.InstanceStateName) types.Instance {
	d.t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		out, err := d.api.DescribeInstances(d.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		if err != nil {
			d.t.Fatal(err)
		}
		i := out.Reservations[0].Instances[0]
		if i.State.Name == want {
			return i
		}
		if time.Now().After(until) {
			d.t.Fatalf("%s is %s, not %s", id, i.State.Name, want)
		}
	}
}

// code is the code of a service's error, "lost" for an answer that never came,
// and "" for none.
func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "lost"
}

func TestFaultsOfCalls(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string // what becomes of DescribeVpcs, DescribeVpcs, DescribeVpcs, DescribeSubnets
	}{
		"throttle":         {[]string{"throttle", "--rate", "0.001"}, []string{"", "RequestLimitExceeded", "RequestLimitExceeded", "RequestLimitExceeded"}},
		"throttle burst":   {[]string{"throttle", "--rate", "0.001", "--burst", "2"}, []string{"", "", "RequestLimitExceeded", "RequestLimitExceeded"}},
		"throttle action":  {[]string{"throttle", "--rate", "0.001", "--action", "DescribeVpcs"}, []string{"", "RequestLimitExceeded", "RequestLimitExceeded", ""}},
		"throttle service": {[]string{"throttle", "--rate", "0.001", "--service", "iam"}, []string{"", "", "", ""}},
		"error":            {[]string{"error", "--code", "X"}, []string{"X", "X", "X", "X"}},
		"error action":     {[]string{"error", "--code", "X", "--action", "DescribeSubnets"}, []string{"", "", "", "X"}},
		"error service":    {[]string{"error", "--code", "X", "--service", "sts"}, []string{"", "", "", ""}},
		"error counted":    {[]string{"error", "--code", "X", "--after", "1", "--times", "1"}, []string{"", "X", "", ""}},
		"lose":             {[]string{"lose"}, []string{"lost", "lost", "lost", "lost"}},
		"lose counted":     {[]string{"lose", "--after", "1", "--times", "2"}, []string{"", "lost", "lost", ""}},
		"lose action":      {[]string{"lose", "--action", "DescribeSubnets"}, []string{"", "", "", "lost"}},
		"lose service":     {[]string{"lose", "--service", "s3"}, []string{"", "", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			id := strings.TrimSpace(d.must(c.args...))
			if got := []string{d.vpcs(), d.vpcs(), d.vpcs(), d.subnets()}; !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if out := d.must("list"); !strings.Contains(out, id) || !strings.Contains(out, strings.Join(c.args[1:min(3, len(c.args))], " ")) {
				t.Errorf("listed as\n%s", out)
			}
			d.must("clear", id)
			if got := d.vpcs(); got != "" {
				t.Errorf("%s after it was cleared", got)
			}
			if _, err := d.fault("clear", id); problem.KindOf(err) != problem.NotFound {
				t.Errorf("cleared twice: %v", err)
			}
		})
	}
}

func TestErrorAsOrdered(t *testing.T) {
	d := newDesk(t)
	d.must("error", "--code", "X", "--status", "418", "--message", "short and stout")
	_, err := d.api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusTeapot || !strings.Contains(err.Error(), "short and stout") {
		t.Errorf("got %v", err)
	}
}

func TestLatencyByFlags(t *testing.T) {
	d := newDesk(t)
	d.must("latency", "--delay", "300ms", "--service", "ec2", "--action", "DescribeVpcs", "--after", "1", "--times", "1")
	for i, slow := range []bool{false, true, false} {
		began := time.Now()
		d.vpcs()
		if took := time.Since(began); slow && took < 300*time.Millisecond {
			t.Errorf("call %d took %s", i, took)
		}
	}
	if hits := d.cloud.Faults().List()[0].Hits; hits != 1 {
		t.Errorf("applied %d times", hits)
	}
}

func TestNoCapacityByFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string // of a t3.micro in a, a t3.micro in b, a t3.small in a
	}{
		"zone": {[]string{"--zone", "us-east-1a"}, []string{"InsufficientInstanceCapacity", "", "InsufficientInstanceCapacity"}},
		"type": {[]string{"--type", "t3.micro"}, []string{"InsufficientInstanceCapacity", "InsufficientInstanceCapacity", ""}},
		"both": {[]string{"--zone", "us-east-1a", "--type", "t3.micro"}, []string{"InsufficientInstanceCapacity", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.must(append([]string{"no-capacity"}, c.args...)...)
			var got []string
			for _, l := range []struct {
				kind types.InstanceType
				zone string
			}{{"t3.micro", "us-east-1a"}, {"t3.micro", "us-east-1b"}, {"t3.small", "us-east-1a"}} {
				_, err := d.launch(l.kind, l.zone, false)
				got = append(got, code(err))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestQuotasByFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string // of a t3.micro, another, a g4dn.xlarge and a t3.micro on the Spot market
	}{
		"none":           {nil, []string{"", "", "", ""}},
		"a value":        {[]string{"--code", "L-1216C47A", "--value", "3"}, []string{"", "VcpuLimitExceeded", "", ""}},
		"nothing":        {[]string{"--code", "L-34B43A08", "--value", "0"}, []string{"", "", "", "MaxSpotInstanceCountExceeded"}},
		"this region":    {[]string{"--code", "L-1216C47A", "--value", "3", "--region", "us-east-1"}, []string{"", "VcpuLimitExceeded", "", ""}},
		"another region": {[]string{"--code", "L-1216C47A", "--value", "3", "--region", "eu-west-1"}, []string{"", "", "", ""}},
		"a new account":  {[]string{"--new-account"}, []string{"", "", "VcpuLimitExceeded", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if c.args != nil {
				d.must(append([]string{"quota"}, c.args...)...)
				if out := d.must("list"); !strings.Contains(out, strings.Join(c.args, " ")) {
					t.Errorf("listed as\n%s", out)
				}
			}
			launches := func() (got []string) {
				for _, l := range []struct {
					kind types.InstanceType
					spot bool
				}{{"t3.micro", false}, {"t3.micro", false}, {"g4dn.xlarge", false}, {"t3.micro", true}} {
					_, err := d.launch(l.kind, "us-east-1a", l.spot)
					got = append(got, code(err))
				}
				return got
			}
			if got := launches(); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			d.must("clear")
			if got := strings.Join(launches(), ""); got != "" {
				t.Errorf("%s after it was cleared", got)
			}
		})
	}
}

func TestDelaysByFlags(t *testing.T) {
	d := newDesk(t)
	d.must("lag", "--delay", "1h")
	d.must("profile-delay", "--delay", "2h")
	id, err := d.launch("t3.micro", "us-east-1a", false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if code(err) != "InvalidInstanceID.NotFound" {
		t.Errorf("got %v", err)
	}
	if rules := d.cloud.Faults().List(); rules[1].Kind != fault.ProfileDelay || rules[1].Delay != 2*time.Hour {
		t.Errorf("the rules are %+v", rules)
	}
	d.must("clear")
	d.state(id, types.InstanceStateNameRunning)
}

func TestEventsByFlags(t *testing.T) {
	d := newDesk(t)
	launch := func(spot bool) string {
		id, err := d.launch("t3.micro", "us-east-1a", spot)
		if err != nil {
			t.Fatal(err)
		}
		d.state(id, types.InstanceStateNameRunning)
		return id
	}
	interrupted := launch(true)
	d.must("rebalance", interrupted)
	d.must("spot-notice", "--in", "10m", interrupted) // less than signatures may be off
	if err := d.cloud.Clock().Advance(9 * time.Minute); err != nil {
		t.Fatal(err)
	}
	d.state(interrupted, types.InstanceStateNameRunning)
	if err := d.cloud.Clock().Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	d.state(interrupted, types.InstanceStateNameTerminated)
	dead, off := launch(false), launch(false)
	d.must("scheduled-event", "--code", "system-reboot", "--in", "1h", dead)
	d.must("host-death", dead)
	d.must("host-death", "--action", "stop", off)
	d.state(dead, types.InstanceStateNameTerminated)
	d.state(off, types.InstanceStateNameStopped)
	if _, err := d.fault("rebalance", off); err == nil {
		t.Error("a recommendation was made to an instance that is off")
	}
}

func TestFaultFlagsAreStrict(t *testing.T) {
	d := newDesk(t)
	for _, args := range [][]string{
		{"throttle"},
		{"throttle", "--rate", "fast"},
		{"throttle", "--rate", "1", "--times", "3"},
		{"throttle", "--rate", "1", "extra"},
		{"error"},
		{"error", "--code", "X", "--delay", "1s"},
		{"error", "--code", "X", "--status", "200"},
		{"error", "--code", "X", "--times", "-1"},
		{"no-capacity"},
		{"no-capacity", "--action", "RunInstances"},
		{"latency"},
		{"latency", "--delay", "banana"},
		{"latency", "--delay", "-1s"},
		{"lag"},
		{"profile-delay"},
		{"quota"},
		{"quota", "--code", "L-1216C47A"},
		{"quota", "--code", "L-1216C47A", "--value", "many"},
		{"quota", "--code", "L-1216C47A", "--value", "-1"},
		{"quota", "--code", "L-00000000", "--value", "5"},
		{"quota", "--new-account", "--value", "5"},
		{"quota", "--new-account", "--region", "nowhere"},
		{"spot-notice"},
		{"spot-notice", "--in", "-1s", "i-1"},
		{"spot-notice", "--action", "stop", "i-1"},
		{"host-death", "--action", "nap", "i-1"},
		{"rebalance"},
		{"scheduled-event", "--code", "party", "i-1"},
		{"clear", "f1", "f2"},
	} {
		if out, err := d.fault(args...); err == nil {
			t.Errorf("%q was taken:\n%s", args, out)
		}
	}
	if rules := d.cloud.Faults().List(); len(rules) != 0 {
		text, _ := json.Marshal(rules)
		t.Errorf("in force: %s", text)
	}
}
