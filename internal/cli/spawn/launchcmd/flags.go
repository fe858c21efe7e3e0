package launchcmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// wishes are the flags that say what to launch.
func (o *Options) wishes(flags *pflag.FlagSet) {
	flags.StringVar(&o.InstanceType, "instance-type", "", "the instance `type`, such as m7i.large")
	flags.StringVar(&o.Name, "name", "", "what to call the instance: its `name`; several get -1, -2 and so on")
	flags.IntVar(&o.Count, "count", 1, "how many, a `number`, spread over the offered zones")
	flags.BoolVar(&o.AllOrNothing, "all-or-nothing", false, "of several, rather none than fewer")
	o.lifeWishes(flags)
	o.marketWishes(flags)
	o.machineWishes(flags)
	o.accountWishes(flags)
	flags.StringVar(&o.UserData, "user-data", "", "what cloud-init is to do: the `text`, @file, or - for standard input")
	flags.StringArrayVar(&o.Tags, "tag", nil, "a tag of your own, `key=value`; may be given several times")
}

// lifeWishes say when the instance ends.
func (o *Options) lifeWishes(flags *pflag.FlagSet) {
	flags.StringVar(&o.TTL, "ttl", "", "how long it may live, a `duration`: 90s, 45m, 8h, 1d, 2d12h, 1w, or none for the longest allowed (default 8h; 7d with --idle-timeout)")
	flags.StringVar(&o.IdleTimeout, "idle-timeout", "", "end it when nobody used it for a `duration`; none, where one is configured")
	flags.StringVar(&o.IdleCPU, "idle-cpu", "", "it may be idle below this share of all processors, a `percentage` (default 5)")
	flags.StringVar(&o.IdleAction, "idle-action", "", "what to do when it is idle, an `action`: terminate, stop or hibernate (default terminate; hibernate with --hibernate)")
	flags.BoolVar(&o.HibernateOnIdle, "hibernate-on-idle", false, "hibernate when it is idle: --hibernate --idle-action hibernate")
	flags.StringVar(&o.PreStop, "pre-stop", "", "a shell `command` to run on it before any end, for at most two minutes")
}

// marketWishes say where and how it is bought.
func (o *Options) marketWishes(flags *pflag.FlagSet) {
	flags.StringVar(&o.Zone, "az", "", "the availability `zone`, such as us-east-1b (default: as the offer says, else wherever EC2 has room)")
	flags.BoolVar(&o.Spot, "spot", false, "launch as a Spot instance, whatever the offer says")
	flags.BoolVar(&o.OnDemand, "on-demand", false, "launch on demand, whatever the offer says")
	flags.StringVar(&o.SpotMaxPrice, "spot-max-price", "", "the most to pay for Spot, a `price` in USD an hour (default: the on-demand price)")
	flags.StringVar(&o.MaxPrice, "max-price", "", "the most that what is launched may cost, a `price` in USD an hour (default: what the first offer costs)")
	flags.BoolVar(&o.UseReservation, "use-reservation", false, "refuse an offer that has no capacity reservation")
	flags.StringVar(&o.Reservation, "reservation-id", "", "launch into the capacity reservation with this `id`")
}

// machineWishes say what it boots from.
func (o *Options) machineWishes(flags *pflag.FlagSet) {
	flags.StringVar(&o.AMI, "ami", "", "the `image`: al2023, ubuntu, debian, pytorch, or the id of an AMI (default: Amazon Linux 2023 for the type, with drivers for NVIDIA GPUs)")
	flags.StringVar(&o.VolumeSize, "volume-size", "", "the root volume's size, a `number` of GiB (default: the image's)")
	flags.StringVar(&o.VolumeType, "volume-type", "", "the root volume's `type`: gp3 or gp2 (default gp3)")
	flags.BoolVar(&o.Hibernate, "hibernate", false, "make it able to hibernate, with room for its memory on the root volume")
}

// accountWishes say what of the account it gets.
func (o *Options) accountWishes(flags *pflag.FlagSet) {
	flags.StringVar(&o.SSHCIDR, "ssh-cidr", "", "the `network` that may reach SSH (default: this machine's public address)")
	o.own.wishes(flags)
	flags.BoolVar(&o.CreateKey, "create-key", false, "make ~/.ssh/id_ed25519 when there is no SSH key")
	flags.StringVar(&o.Profile, "instance-profile", "", "an instance `profile` of your own, by name or ARN, in place of the agent's")
	flags.BoolVar(&o.ShareRole, "share-role", false, "let every user and container on it use its role, not root alone")
	flags.BoolVar(&o.NoMetadataTags, "no-metadata-tags", false, "keep its tags out of its metadata, where an organisation's own tags need characters that this forbids")
}

// spec gathers what the user wants. Nothing has been asked of any cloud yet.
func (o *Options) spec(ctx context.Context) (launch.Spec, error) {
	s := launch.Spec{
		Offer:  offer.Offer{InstanceType: o.InstanceType},
		Region: o.Factory.Global.Region,
		Name:   o.Name, Count: o.Count, AllOrNothing: o.AllOrNothing, NoWait: o.NoWait,

		TTL:     o.TTL,
		Idle:    launch.IdleWish{Timeout: o.IdleTimeout, CPU: o.IdleCPU, Action: lifecycle.IdleAction(o.IdleAction), Hibernate: o.HibernateOnIdle},
		PreStop: o.PreStop,

		AMI: o.AMI, VolumeSize: o.VolumeSize, VolumeType: o.VolumeType, Hibernate: o.Hibernate,

		Zone: o.Zone, SpotMaxPrice: o.SpotMaxPrice, MaxPrice: o.MaxPrice,
		Reservation: o.Reservation, UseReservation: o.UseReservation,

		Chosen: o.chosen(), CreateKey: o.CreateKey, Profile: o.Profile, ShareRole: o.ShareRole, NoMetadataTags: o.NoMetadataTags,
	}
	switch {
	case o.Count < 1:
		return s, problem.New(problem.Usage, "--count is at least 1, not %d", o.Count)
	case o.Spot && o.OnDemand:
		return s, problem.New(problem.Usage, "--spot and --on-demand contradict each other")
	case o.Spot:
		s.Market = lifecycle.Spot
	case o.OnDemand:
		s.Market = lifecycle.OnDemand
	}
	var err error
	if o.SSHCIDR != "" {
		if s.Source, err = account.ParseSource(o.SSHCIDR); err != nil {
			return s, err
		}
	}
	if s.Tags, err = readTags(o.Tags); err != nil {
		return s, err
	}
	if s.UserData, err = o.readUserData(); err != nil {
		return s, err
	}
	if o.InstanceType != "" || !term.Piped(os.Stdin) {
		return s, nil
	}
	offers, err := o.readOffers(ctx)
	if err != nil {
		return s, err
	}
	s.Offer, s.Others = offers[0], offers[1:]
	return s, nil
}

func (o *Options) readOffers(ctx context.Context) ([]offer.Offer, error) {
	patience := offer.DefaultPatience()
	var err error
	if patience.Limit, err = lifecycle.ParseDuration(o.StdinTimeout); err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Err: err}
	}
	patience.OnNotice = func() { term.Note(o.Factory.Streams, "waiting for an offer on standard input") }
	return offer.ReadPipe(ctx, o.Factory.Streams.In, patience)
}

// readTags reads key=value, each key once.
func readTags(texts []string) (map[string]string, error) {
	tags := make(map[string]string, len(texts))
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if _, twice := tags[key]; !ok || twice {
			return nil, problem.New(problem.Usage, "--tag %q is not a key and a value, each key once", text).WithNext("write it like --tag project=alpha")
		}
		tags[key] = value
	}
	return tags, nil
}

// maxUserData bounds what is read, in bytes. Larger user-data is refused later,
// with its size.
const maxUserData = 2 << 20

// readUserData is the text itself, a file's content, or standard input's.
func (o *Options) readUserData() ([]byte, error) {
	path, isFile := strings.CutPrefix(o.UserData, "@")
	var from io.Reader
	switch {
	case o.UserData == "":
		return nil, nil
	case isFile:
		file, err := os.Open(path)
		if err != nil {
			return nil, problem.New(problem.Usage, "read --user-data: %w", err)
		}
		defer file.Close()
		from = file
	case o.UserData == "-":
		if o.InstanceType == "" {
			return nil, problem.New(problem.Usage, "standard input cannot be both the offer and the user-data").
				WithNext("name the type with --instance-type, or the user-data with --user-data @file")
		}
		from = o.Factory.Streams.In
	default:
		return []byte(o.UserData), nil
	}
	text, err := io.ReadAll(io.LimitReader(from, maxUserData))
	switch {
	case err != nil:
		return nil, problem.New(problem.Usage, "read --user-data: %w", err)
	case len(text) == 0:
		return nil, problem.New(problem.Usage, "--user-data %s is empty", o.UserData)
	}
	return text, nil
}

// lack says what the launch does without, and what to ask for.
func lack(s term.Streams, l launch.Lack) {
	term.Note(s, "without %s; %s", l.What, l.Instead)
	if l.Permission != "" {
		fmt.Fprintf(s.Err, "  to have it, ask for this policy:\n%s\n", indent(l.Permission))
	}
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }
