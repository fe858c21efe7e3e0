package term

import (
	"regexp"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// entry is a flag or a command in a help text, and the beginning of what is said
// of it, which stands in a second column.
var entry = regexp.MustCompile(`^( +(?:-\w, )?(?:--?[\w-]+(?: \S+)*?|[\w-]+) {2,})(\S.*)$`)

// Help writes a help text to standard output. On a terminal its paragraphs are
// folded, and what is said of a flag stays in its column, or, where that would
// be narrow, stands below it. What is indented otherwise is an example, and is
// left as it is.
func Help(s Streams, text string) error {
	width := s.outColumns()
	if width == 0 {
		return Tell(s, text)
	}
	var paragraph []string
	flush := func() error {
		words := strings.Join(paragraph, " ")
		paragraph = nil
		if words == "" {
			return nil
		}
		return printLine(s, strings.Join(Fold(words, width), "\n"))
	}
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		line = strings.TrimRight(line, " \n")
		if line != "" && !strings.HasPrefix(line, " ") {
			paragraph = append(paragraph, line)
			if !strings.HasSuffix(line, ":") {
				continue
			}
			if err := flush(); err != nil {
				return err
			}
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if err := printLine(s, helpLine(line, width)); err != nil {
			return err
		}
	}
	return flush()
}

func helpLine(line string, width int) string {
	const below, least = 10, 40
	at := entry.FindStringSubmatch(line)
	if ansi.StringWidth(line) <= width || at == nil {
		return line
	}
	indent := ansi.StringWidth(at[1])
	if width-indent >= least {
		return at[1] + strings.Join(hung(width, indent, indent, at[2]), "\n")
	}
	pad := strings.Repeat(" ", below)
	return strings.TrimRight(at[1], " ") + "\n" + pad + strings.Join(hung(width, below, below, at[2]), "\n")
}
