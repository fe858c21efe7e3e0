// Command spored runs on an instance and ends it at its deadline.
package main

import (
	"os"

	"github.com/spawn-ec2/spawn/internal/cli/spored"
)

// version is set when a release is built.
var version = "dev"

func main() { os.Exit(spored.Main(version, os.Args[1:], os.Stdout, os.Stderr)) }
