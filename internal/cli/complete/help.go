package complete

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/term"
)

// Help has a command and all below it tell of themselves in the width that their
// terminal has.
func Help(root *cobra.Command, s term.Streams) {
	tell := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		var text bytes.Buffer
		cmd.SetOut(&text)
		tell(cmd, args)
		cmd.SetOut(nil) // its parent's
		root.SetOut(s.Out)
		if err := term.Help(s, text.String()); err != nil {
			cmd.PrintErrln(err)
		}
	})
}
