package launchcmd_test

import (
	"context"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/launchcmd"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

func TestFlagsBecomeOptions(t *testing.T) {
	f := &factory.Factory{Streams: term.Plain(io.Discard, io.Discard)}
	for args, want := range map[string]launchcmd.Options{
		"": {Count: 1, StdinTimeout: "1m", Output: "text"},
		"--instance-type m7i.large --name box --ttl 2d12h --ssh-cidr 203.0.113.7 --create-key -o json --stdin-timeout 5s": {
			Count: 1, InstanceType: "m7i.large", Name: "box", TTL: "2d12h", SSHCIDR: "203.0.113.7", CreateKey: true, Output: "json", StdinTimeout: "5s",
		},
	} {
		var got launchcmd.Options
		cmd := launchcmd.New(f, func(_ context.Context, o *launchcmd.Options) error { got = *o; return nil })
		cmd.SetArgs(strings.Fields(args))
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		want.Factory = f
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestArgumentsAreRefused(t *testing.T) {
	f := &factory.Factory{Streams: term.Plain(io.Discard, io.Discard)}
	cmd := launchcmd.New(f, func(context.Context, *launchcmd.Options) error { t.Error("it ran"); return nil })
	cmd.SetArgs([]string{"m7i.large"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(t.Context()); problem.KindOf(err) != problem.Usage {
		t.Errorf("got %v", err)
	}
}
