package doctor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// machine looks at this machine.
func machine(ctx context.Context, f *factory.Factory) []Check {
	return []Check{
		{Name: "machine", State: OK, Detail: runtime.GOOS + "/" + runtime.GOARCH},
		sshProgram(), sshKey(ctx), localCloud(ctx, f),
	}
}

func sshProgram() Check {
	c := Check{Name: "ssh"}
	path, err := exec.LookPath("ssh")
	if err != nil {
		c.State, c.Detail, c.Next = Lacking, "spawn connect needs the program ssh, and it is not in PATH", "install OpenSSH's client"
		return c
	}
	c.State, c.Detail = OK, path
	return c
}

// sshKey looks for the key that a launch would import.
func sshKey(ctx context.Context) Check {
	c := Check{Name: "SSH key"}
	home, err := os.UserHomeDir()
	if err != nil {
		c.State, c.Detail = Unknown, err.Error()
		return c
	}
	key, err := sshx.FindKey(home, func() ([]sshx.Key, error) { return sshx.AgentKeys(ctx) })
	var none *sshx.NoKeyError
	switch {
	case errors.As(err, &none):
		c.State, c.Detail, c.Next = Lacking, none.Error(), "launch with --create-key, or with --key-pair and a key pair that you have"
	case err != nil:
		c.State, c.Detail = Unknown, err.Error()
	default:
		c.State, c.Detail = OK, key.Where()
	}
	return c
}

// localCloud tries whether instances could boot on this machine. AWS does not
// need it.
func localCloud(ctx context.Context, f *factory.Factory) Check {
	c := Check{Name: "local cloud"}
	how, why, err := f.Cloud.Runtime(ctx)
	switch {
	case err != nil:
		c.State, c.Detail = Unknown, err.Error()
	case why != "":
		c.State, c.Detail = Lacking, "instances run as a "+how+", without booting: "+why
	default:
		c.State, c.Detail = OK, "instances boot in a "+how
	}
	return c
}
