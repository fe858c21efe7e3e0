package complete

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// scripts are the shells, and what prints the script for each.
func scripts() map[string]func(root *cobra.Command, w io.Writer) error {
	return map[string]func(*cobra.Command, io.Writer) error{
		"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
	}
}

// Shells are those that there is a script for.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// Write writes the script by which a shell completes a program's commands. The
// script asks the program itself, so it is right for every later version, too.
func Write(root *cobra.Command, shell string, w io.Writer) error {
	script, known := scripts()[shell]
	if !known {
		return problem.New(problem.Usage, "there is no completion for the shell %q", shell).
			WithNext("use one of %s", strings.Join(Shells(), ", "))
	}
	return script(root, w)
}

// Command is the command of a program that prints the script. The packages and
// "make install" bring the scripts along.
func Command(program string) *cobra.Command {
	return &cobra.Command{
		Use:   "completion <shell>",
		Short: "Print the script by which a shell completes " + program + "'s commands",
		Long: `Print the script by which bash, zsh, fish or PowerShell completes ` + program + `'s
commands, flags and what they take. The packages and "make install" bring it
along; by hand, for the current shell:

  bash         source <(` + program + ` completion bash)      needs the package bash-completion
  zsh          source <(` + program + ` completion zsh)       after: autoload -U compinit; compinit
  fish         ` + program + ` completion fish | source
  PowerShell   ` + program + ` completion powershell | Out-String | Invoke-Expression

Put that line into the shell's startup file to have it always.`,
		ValidArgs: Shells(),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return problem.New(problem.Usage, "%s takes one shell and got %d", cmd.CommandPath(), len(args)).
				WithNext("use one of %s", strings.Join(Shells(), ", "))
		},
		RunE: func(cmd *cobra.Command, args []string) error { return Write(cmd.Root(), args[0], cmd.OutOrStdout()) },
	}
}
