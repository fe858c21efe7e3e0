package spored

import (
	"embed"
	"io"
)

// scripts complete spored's commands. They are written by hand, a file a shell:
// what makes them for spawn and truffle is too large for an agent.
//
//go:embed completion
var scripts embed.FS

// printCompletion prints the script by which a shell completes the commands.
func printCompletion(args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 {
		if script, err := scripts.ReadFile("completion/" + args[0]); err == nil {
			return printed(stdout.Write(script))
		}
	}
	return misunderstood(stderr, "completion takes one shell: bash, zsh, fish or powershell")
}
