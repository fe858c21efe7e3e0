// Command spawn launches EC2 instances that end by themselves, and manages
// them until nothing of them is left.
package main

import (
	"os"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/root"
)

// version is set when a release is built.
var version = "dev"

func main() { os.Exit(root.Main(version, os.Args[1:])) }
