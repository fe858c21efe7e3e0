// Command truffle finds EC2 instance types.
package main

import (
	"os"

	"github.com/spawn-ec2/spawn/internal/cli/truffle"
)

// version is set when a release is built.
var version = "dev"

func main() { os.Exit(truffle.Main(version, os.Args[1:])) }
