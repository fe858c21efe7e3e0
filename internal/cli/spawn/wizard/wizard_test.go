package wizard_test

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/launchcmd"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/wizard"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// visitor answers by labels and texts: "<" is back, "" is Enter. When nothing is
// left to say the visitor goes away.
type visitor struct {
	t       *testing.T
	answers []string
	heard   strings.Builder
	titles  []string
	command string
}

func (v *visitor) next(title string) (string, error) {
	v.titles = append(v.titles, title)
	fmt.Fprintln(&v.heard, title)
	if len(v.answers) == 0 {
		return "", problem.New(problem.Interrupted, "gone")
	}
	answer := v.answers[0]
	v.answers = v.answers[1:]
	if answer == "<" {
		return "", term.ErrBack
	}
	return answer, nil
}

func (v *visitor) Choose(_ context.Context, c term.Choice) (int, error) {
	answer, err := v.next(c.Title)
	if err != nil {
		return 0, err
	}
	fmt.Fprintln(&v.heard, c.Options, c.Notes)
	if answer == "" && c.Default >= 0 {
		return c.Default, nil
	}
	i := slices.IndexFunc(c.Options, func(o term.Option) bool { return o.Label == answer })
	if i < 0 {
		v.t.Fatalf("%s: there is no answer %q in %v", c.Title, answer, c.Options)
	}
	return i, nil
}

func (v *visitor) Fill(_ context.Context, b term.Blank) (string, error) {
	for {
		answer, err := v.next(b.Title)
		if err != nil {
			return "", err
		}
		if err = b.Check(answer); err == nil {
			return answer, nil
		}
		fmt.Fprintln(&v.heard, err, problem.NextOf(err))
	}
}

func (v *visitor) Say(text string)        { fmt.Fprintln(&v.heard, text) }
func (v *visitor) Show(facts [][2]string) { fmt.Fprintln(&v.heard, facts) }
func (v *visitor) Command(text string)    { v.command = text }

func plainFactory() *factory.Factory {
	return &factory.Factory{Streams: term.Plain(io.Discard, io.Discard)}
}

// aws is a machine with credentials and a key.
func aws(t *testing.T) wizard.World {
	t.Setenv("HOME", t.TempDir())
	return wizard.World{
		Region: "us-east-1", LocalRegion: "us-east-1", Credentials: true,
		Key: func(context.Context) (string, error) { return "~/.ssh/id_rsa", nil },
		Plan: func(ctx context.Context, args []string) (launch.Plan, error) {
			return launchcmd.Sketch(ctx, plainFactory(), args)
		},
		Ceiling: lifecycle.DefaultCeiling,
		Now:     time.Now,
	}
}

// options are what spawn launch makes of arguments.
func options(t *testing.T, args []string) (launchcmd.Options, factory.Global) {
	t.Helper()
	f := plainFactory()
	var got launchcmd.Options
	cmd := launchcmd.New(f, func(_ context.Context, o *launchcmd.Options) error { got = *o; return nil })
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	got.Factory = nil
	return got, f.Global
}

// words are what a shell makes of a command line.
func words(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `for word in `+line+`; do printf '%s\0' "$word"; done`).Output()
	if err != nil {
		t.Skipf("there is no shell to read the command: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestAnswersBecomeOptions(t *testing.T) {
	defaults := launchcmd.Options{Count: 1, StdinTimeout: "1m", Output: "text", TTL: "8h"}
	with := func(change func(*launchcmd.Options)) launchcmd.Options {
		o := defaults
		change(&o)
		return o
	}
	none := func(w *wizard.World) { w.Key = func(context.Context) (string, error) { return "", nil } }
	for name, test := range map[string]struct {
		world   func(*wizard.World)
		answers []string
		want    launchcmd.Options
		region  string
		local   bool
	}{
		"Enter all the way": {
			answers: []string{"", "", "", "", "", "", "", "yes"},
			want:    with(func(o *launchcmd.Options) { o.InstanceType = "t3.micro" }),
		},
		"a GPU as Spot for a day, ended when idle": {
			answers: []string{"GPU", "eu-central-1", "g5.xlarge", "Spot", "1d", "terminate after 1h", "yours", "yes"},
			want: with(func(o *launchcmd.Options) {
				o.InstanceType, o.Spot, o.TTL, o.IdleTimeout, o.IdleAction = "g5.xlarge", true, "1d", "1h", "terminate"
			}),
			region: "eu-central-1",
		},
		"hibernating": {
			answers: []string{"memory", "", "r7i.xlarge", "on demand", "1w", "hibernate after 1h", "", "yes"},
			want: with(func(o *launchcmd.Options) {
				o.InstanceType, o.TTL, o.IdleTimeout, o.HibernateOnIdle = "r7i.xlarge", "1w", "1h", true
			}),
		},
		"all by name, with a key pair that a shell would take apart": {
			answers: []string{"type", "another", "nowhere-1", "eu-west-1", "m7i.lerge", "c7i.large", "", "another", "banana", "2d12h", "stop after 1h", "key pair", "it's mine", "yes"},
			want: with(func(o *launchcmd.Options) {
				o.InstanceType, o.TTL, o.IdleTimeout, o.IdleAction, o.KeyPair = "c7i.large", "2d12h", "1h", "stop", "it's mine"
			}),
			region: "eu-west-1",
		},
		"without a key one is made": {
			world: none, answers: []string{"general", "", "m7g.large", "", "none", "", "make one", "yes"},
			want: with(func(o *launchcmd.Options) { o.InstanceType, o.TTL, o.CreateKey = "m7g.large", "none", true }),
		},
		"an hour needs no idle policy": {
			answers: []string{"", "", "", "", "1h", "", "yes"},
			want:    with(func(o *launchcmd.Options) { o.InstanceType, o.TTL = "t3.micro", "1h" }),
		},
		"without credentials, the local cloud": {
			world:   func(w *wizard.World) { w.Credentials, w.Region = false, "eu-west-1" },
			answers: []string{"local", "", "", "", "", "1h", "yes"},
			want:    with(func(o *launchcmd.Options) { o.InstanceType, o.TTL = "t3.micro", "1h" }), local: true,
		},
		"without credentials that can be seen": {
			world:   func(w *wizard.World) { w.Credentials, w.Region = false, "eu-west-1" },
			answers: []string{"on", "", "", "", "", "1h", "", "yes"},
			want:    with(func(o *launchcmd.Options) { o.InstanceType, o.TTL = "t3.micro", "1h" }), region: "eu-west-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			world := aws(t)
			if test.world != nil {
				test.world(&world)
			}
			v := &visitor{t: t, answers: test.answers}
			outcome, err := wizard.Run(t.Context(), v, world, nil)
			if err != nil || !outcome.Launch || len(v.answers) > 0 {
				t.Fatalf("%+v, %v, not asked for: %q\n%s", outcome, err, v.answers, v.heard.String())
			}
			got, global := options(t, outcome.Args)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			want := factory.Global{Region: test.region, Local: test.local}
			if want.Region == "" {
				want.Region = "us-east-1"
			}
			if global != want {
				t.Errorf("got %+v, want %+v", global, want)
			}
			// What is shown, and typed again, is the same.
			line := words(t, v.command)
			if len(line) < 2 || line[0] != "spawn" || line[1] != "launch" {
				t.Fatalf("the command is %q", v.command)
			}
			if again, globalAgain := options(t, line[2:]); !reflect.DeepEqual(again, got) || globalAgain != global {
				t.Errorf("%s\nis  %+v\nand not %+v", v.command, again, got)
			}
		})
	}
}

func TestBackAtEveryQuestion(t *testing.T) {
	straight := []string{"GPU", "us-west-2", "g5.xlarge", "Spot", "4h", "stop after 1h", "key pair", "mine"}
	v := &visitor{t: t, answers: append(slices.Clone(straight), "yes")}
	want, err := wizard.Run(t.Context(), v, aws(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	// From the summary back to the first question, and past it; then what was
	// said is what Enter means.
	v = &visitor{t: t, answers: slices.Concat(straight, slices.Repeat([]string{"<"}, 8), []string{"", "", "", "", "", "", "", "mine", "yes"})}
	got, err := wizard.Run(t.Context(), v, aws(t), nil)
	if err != nil || !reflect.DeepEqual(got, want) || len(v.answers) > 0 {
		t.Errorf("%+v, %v, left %q", got, err, v.answers)
	}
	if !strings.Contains(v.heard.String(), "first question") {
		t.Error("back at the first question was passed over in silence")
	}
	// Each answer can be another one afterwards, and back from a name that is
	// asked for is back to the choice.
	v = &visitor{t: t, answers: []string{"GPU", "", "<", "<", "small", "", "another", "<", "t3.small", "Spot", "<", "on demand", "1h", "", "<", "<", "4h", "", "", "yes"}}
	got, err = wizard.Run(t.Context(), v, aws(t), nil)
	if command := wizard.Command(got.Args); err != nil || command != "spawn launch --instance-type t3.small --region us-east-1 --ttl 4h" {
		t.Errorf("%s, %v", command, err)
	}
}

// Whoever goes away at any question launches nothing.
func TestGoingAwayLaunchesNothing(t *testing.T) {
	world := aws(t)
	world.Credentials = false
	all := []string{"on", "type", "another", "us-west-2", "m7i.large", "Spot", "another", "4h", "stop after 1h", "key pair", "mine", "yes"}
	for said := range len(all) {
		v := &visitor{t: t, answers: slices.Clone(all[:said])}
		outcome, err := wizard.Run(t.Context(), v, world, nil)
		if problem.KindOf(err) != problem.Interrupted || outcome.Launch || outcome.Args != nil {
			t.Errorf("after %q: %+v, %v", all[:said], outcome, err)
		}
	}
}

func TestNoIsNoLaunch(t *testing.T) {
	v := &visitor{t: t, answers: []string{"", "", "", "", "", "", "", "no"}}
	outcome, err := wizard.Run(t.Context(), v, aws(t), nil)
	if err != nil || outcome.Launch || v.command == "" {
		t.Errorf("%+v, %v, %q", outcome, err, v.command)
	}
}

func TestHowToGetCredentials(t *testing.T) {
	world := aws(t)
	world.Credentials = false
	v := &visitor{t: t, answers: []string{"explain"}}
	outcome, err := wizard.Run(t.Context(), v, world, nil)
	if err != nil || outcome.Launch || !strings.Contains(v.heard.String(), "aws configure") || !strings.Contains(v.heard.String(), "aws sso login") {
		t.Errorf("%+v, %v: %s", outcome, err, v.heard.String())
	}
}

// What was said on the command line holds, and is part of the command.
func TestWhatWasSaidIsTakenAlong(t *testing.T) {
	v := &visitor{t: t, answers: []string{"", "", "", "", "1h", "", "yes"}}
	outcome, err := wizard.Run(t.Context(), v, aws(t), []string{"--no-wait=true", "--profile=work"})
	if err != nil {
		t.Fatal(err)
	}
	if got, global := options(t, outcome.Args); !got.NoWait || global.Profile != "work" || !strings.Contains(v.command, "--profile=work") {
		t.Errorf("%+v %+v: %s", got, global, v.command)
	}
}

// A type that cannot hibernate is not asked about it, nor is a price made up.
func TestWhatIsNotSoIsNotOffered(t *testing.T) {
	v := &visitor{t: t, answers: []string{"type", "", "p5.4xlarge", "", "", "nothing"}}
	if _, err := wizard.Run(t.Context(), v, aws(t), nil); problem.KindOf(err) != problem.Interrupted {
		t.Fatal(err)
	}
	if strings.Contains(v.heard.String(), "hibernate") {
		t.Error("a P instance was offered to hibernate")
	}
	if !strings.Contains(v.heard.String(), "{Spot [price unknown ") {
		t.Errorf("of p5.4xlarge the catalog knows no Spot price:\n%s", v.heard.String())
	}
}

// Every need has types with prices in the regions that are proposed, and where
// prices come from stands beside them.
func TestEveryNeedIsMet(t *testing.T) {
	for _, need := range []string{"small", "general", "memory", "GPU"} {
		for _, region := range []string{"us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"} {
			v := &visitor{t: t, answers: []string{need, region, "", "", "1h", "", "no"}}
			if _, err := wizard.Run(t.Context(), v, aws(t), nil); err != nil {
				t.Errorf("%s in %s: %v", need, region, err)
			}
			if heard := v.heard.String(); strings.Count(heard, " vCPU ") < 3 || !strings.Contains(heard, "on demand: ") || !strings.Contains(heard, "costs") {
				t.Errorf("%s in %s:\n%s", need, region, heard)
			}
		}
	}
}
