package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// writePages writes a page a command into dir, and a list of them.
func writePages(dir string) error {
	list := "# Commands\n\nEvery command of the three programs, as `--help` shows it. These pages are written by\n`SPAWN_WRITE_DOCS=1 go test ./internal/manual`.\n"
	for _, p := range programs() {
		each(p.command, func(c *cobra.Command) { c.Long = markdown(c.Long) })
		p.command.DisableAutoGenTag = true
		if err := doc.GenMarkdownTree(p.command, dir); err != nil {
			return fmt.Errorf("write the pages of %s: %w", p.command.Name(), err)
		}
		list += "\n| command | |\n|---|---|\n"
		each(p.command, func(c *cobra.Command) {
			list += fmt.Sprintf("| [%s](%s.md) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "_"), c.Short)
		})
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(list), 0o644) //nolint:gosec // a page for everybody
}

// each visits a command and those below it that people are shown.
func each(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
			each(sub, visit)
		}
	}
}

// markdown makes Markdown of a command's long text, which is written for a
// terminal: what is indented there stands as it is, and nothing else is markup.
func markdown(text string) string {
	var out []string
	asItIs := false
	for line := range strings.SplitSeq(text, "\n") {
		indented := strings.HasPrefix(line, "  ")
		if indented != asItIs && line != "" && len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, "")
		}
		switch {
		case indented:
			out = append(out, "  "+line)
		default:
			out = append(out, plain(line))
		}
		if line != "" {
			asItIs = indented
		}
	}
	return strings.Join(out, "\n")
}

// plain keeps what would be markup from being any.
func plain(text string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "`", "\\`").Replace(text)
}
