package launchcmd

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/sshx"
	"github.com/spawn-ec2/spawn/internal/term"
)

// own is what the command line names of the user's own network and keys.
type own struct {
	Subnet        string
	SecurityGroup string
	KeyPair       string
	NoPublicIP    bool
}

// wishes are the flags that say what to use of the user's own.
func (o *own) wishes(flags *pflag.FlagSet) {
	flags.StringVar(&o.Subnet, "subnet", "", "launch into the subnet with this `id` (default: one of the default VPC, or of a VPC that spawn makes)")
	flags.StringVar(&o.SecurityGroup, "security-group", "", "use the security group with this `id`, as it is (default: one that opens SSH to you alone)")
	flags.BoolVar(&o.NoPublicIP, "no-public-ip", false, "give the instance no public address")
	flags.StringVar(&o.KeyPair, "key-pair", "", "use the key pair of this `name` in EC2, as it is (default: this machine's SSH key)")
}

func (o *own) chosen() launch.Chosen {
	return launch.Chosen{Subnet: o.Subnet, Group: o.SecurityGroup, KeyPair: o.KeyPair, NoPublicIP: o.NoPublicIP}
}

// withAgent lets a machine's keys be those of ssh-agent, too.
func withAgent(ctx context.Context, m launch.Machine) launch.Machine {
	m.AgentKeys = func() ([]sshx.Key, error) { return sshx.AgentKeys(ctx) }
	return m
}

// offerKey asks somebody at a terminal who has no SSH key whether to make one.
// All else that is wrong with a spec is said by whoever checks it.
func offerKey(s term.Streams, spec launch.Spec, m launch.Machine) (launch.Spec, error) {
	err := launch.Check(spec, m)
	var none *sshx.NoKeyError
	if !errors.As(err, &none) || !s.CanAsk() {
		return spec, err
	}
	term.Note(s, "%s", none)
	if term.Confirm(s, "make an SSH key, ~/.ssh/id_ed25519?") != nil {
		return spec, err
	}
	spec.CreateKey = true
	return spec, launch.Check(spec, m)
}
