// Package spored is the command line of the agent: spored run and spored
// version. It wires the real machine to the agent and does nothing itself.
package spored

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/run"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Where the agent keeps things on an instance. The bootstrap writes the first
// two and makes the folder of the third.
const (
	instanceFile = "/etc/spored/instance"
	osTimerMark  = "/run/spored/os-timer"
	stateDir     = "/var/lib/spored"
)

const usage = `spored ends the instance it runs on at its deadline.

  spored run       watch the deadline until the instance ends
  spored version   print the version
`

// Main runs the command in args and returns its exit code.
func Main(version string, args []string, stdout, stderr io.Writer) int {
	command := ""
	if len(args) == 1 {
		command = args[0]
	}
	switch command {
	case "run":
		return runAgent(version, stderr)
	case "version":
		return printed(fmt.Fprintf(stdout, "spored %s\n", version))
	case "help", "-h", "--help":
		return printed(fmt.Fprint(stdout, usage))
	default:
		_, _ = fmt.Fprint(stderr, usage) // there is nobody left to tell if this fails
		return int(problem.Usage)
	}
}

func printed(_ int, err error) int {
	if err != nil {
		return int(problem.Failed)
	}
	return 0
}

func runAgent(version string, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run.Run(ctx, onThisMachine(version, log)); err != nil {
		log.Error("the agent cannot run", "error", err)
		return int(problem.KindOf(err))
	}
	return 0
}

// onThisMachine is the agent of the machine it runs on. On AWS the environment
// holds neither endpoint.
func onThisMachine(version string, log *slog.Logger) run.Options {
	metadata := sense.NewMetadata(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"))
	api := os.Getenv("AWS_ENDPOINT_URL")
	return run.Options{
		Log:      log,
		Version:  version,
		Now:      time.Now,
		Metadata: metadata,
		Cloud: func(id sense.Identity) run.Cloud {
			return act.NewInstance(act.NewEC2(id.Region, api, metadata.Client()), id.InstanceID)
		},
		Warner:       act.NewUsers(),
		PowerOff:     act.Machine{Log: log}.PowerOff,
		Notify:       act.Notifier{Socket: os.Getenv("NOTIFY_SOCKET")}.Notify,
		PolicyFile:   lifecycle.PolicyPath,
		InstanceFile: instanceFile,
		StateDir:     stateDir,
		OSTimerMark:  osTimerMark,
	}
}
