// Package spored is the command line of the agent: spored run, and the commands
// by which people on the instance speak with it. It wires the real machine to
// the agent and does nothing itself.
package spored

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/control"
	"github.com/spawn-ec2/spawn/internal/agent/logs"
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
	scriptsFile  = "/var/lib/spored/user-scripts"
)

const usage = `spored ends the instance it runs on: at its deadline, or when it is idle.

  spored status [-o text|json]           how it stands: what ends it, when, and why not yet
  spored config [-o text|json]           the policy that holds, and where each value came from
  spored complete [--status ok|failed]   the work is done: run the hooks, then terminate (root)
  spored keepalive 30m                   do not take it for idle for so long (root)
  spored completion bash                 print the script for a shell: bash, zsh, fish or powershell
  spored version                         print the version
  spored run                             be the agent

Exit codes: 0 done, 1 error, 2 usage, 4 only root may, 6 the agent is not running.
`

// Main runs the command in args and returns its exit code.
func Main(version string, args []string, stdout, stderr io.Writer) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch {
	case len(args) == 2 && usageOf(command) != "" && (args[1] == "-h" || args[1] == "--help"):
		return printed(fmt.Fprintf(stdout, "Usage: %s\n\nspored --help tells of all commands.\n", usageOf(command)))
	case command == "status", command == "config", command == "complete", command == "keepalive":
		return asker{client: control.Client{Path: control.Socket}, stdout: stdout, stderr: stderr}.ask(command, args[1:])
	case command == "completion":
		return printCompletion(args[1:], stdout, stderr)
	case len(args) > 1 && usageOf(command) != "":
		return misunderstood(stderr, fmt.Sprintf("%s takes no arguments and got %q", command, args[1]))
	case command == "run":
		return runAgent(version, stderr)
	case command == "version":
		return printed(fmt.Fprintf(stdout, "spored %s\n", version))
	case command == "help", command == "-h", command == "--help":
		return printed(fmt.Fprint(stdout, usage))
	}
	if command == "" {
		return misunderstood(stderr, "what to do is missing")
	}
	return misunderstood(stderr, fmt.Sprintf("there is no command %q", command))
}

func misunderstood(stderr io.Writer, cause string) int {
	_, _ = fmt.Fprintf(stderr, "spored: %s\n  next: see: spored --help\n", cause) // there is nobody left to tell if this fails
	return int(problem.Usage)
}

func printed(_ int, err error) int {
	if err != nil {
		return int(problem.Failed)
	}
	return 0
}

// logPatience is how long the last lines may take to their places.
const logPatience = time.Second

// startLog is the agent's log: to standard error and to its file. Where a
// supervisor sends standard error into that file, the file alone: it rotates.
func startLog(stderr io.Writer) *logs.Log {
	file := &logs.File{Path: logs.Path, Crashes: true}
	if f, ok := stderr.(*os.File); ok && file.Holds(f) {
		return logs.New(logs.Place{Name: file.Path, Writer: file})
	}
	return logs.New(logs.Place{Name: "standard error", Writer: stderr}, logs.Place{Name: file.Path, Writer: file})
}

func runAgent(version string, stderr io.Writer) int {
	// One processor is plenty, and waking a second one for each little thing
	// costs more than the thing.
	runtime.GOMAXPROCS(1)
	lines := startLog(stderr)
	defer lines.Close(logPatience)
	log := slog.New(slog.NewTextHandler(lines, nil))
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
	machine, sensed := act.Machine{Log: log}, sense.ThisMachine(metadata.Traffic)
	client := func(id sense.Identity) *ec2.Client {
		return act.NewEC2(id.Region, api, metadata.Client(), metadata.DialContext)
	}
	o := run.Options{
		Log:      log,
		Version:  version,
		Now:      time.Now,
		Metadata: sense.NewTags(metadata, sensed.Sys, sensed.Elapsed, func(id sense.Identity) sense.TagsAPI { return client(id) }),
		Cloud: func(id sense.Identity) run.Cloud {
			return act.NewInstance(client(id), id.InstanceID)
		},
		Warner:       act.NewUsers(),
		Sensor:       sense.NewActivity(sensed),
		Notices:      sense.NewNotices(metadata, sensed.Elapsed),
		Hooks:        act.NewHooks(log),
		Sync:         machine.Sync,
		PowerOff:     machine.PowerOff,
		Notify:       act.Notifier{Socket: os.Getenv("NOTIFY_SOCKET")}.Notify,
		PolicyFile:   lifecycle.PolicyPath,
		InstanceFile: instanceFile,
		StateDir:     stateDir,
		ScriptsFile:  scriptsFile,
		OSTimerMark:  osTimerMark,
	}
	server, err := control.Listen(control.Socket, log)
	if err != nil {
		log.Error("nobody can ask this agent how it stands, nor command it", "error", err)
		return o
	}
	o.Control = server
	return o
}
