// Command truffle finds EC2 instance types.
package main

import (
	"os"

	"github.com/spawn-ec2/spawn/internal/cli/truffle"
	"github.com/spawn-ec2/spawn/internal/term"
)

// version is set when a release is built.
var version = "dev"

func main() {
	streams := term.System()
	root := truffle.New(truffle.Factory{Streams: streams, Version: version, Env: os.Getenv})
	os.Exit(truffle.Report(streams, root.Execute()))
}
