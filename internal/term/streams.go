// Package term is everything that a person sees. Its rules, obeyed by every
// command:
//
//   - Data goes to standard output, everything else to standard error: notes,
//     questions, progress, errors. In a pipe there is nothing but data.
//   - Colour only on a terminal, never with NO_COLOR, and never alone as
//     meaning: what is red also says what is wrong. TERM=dumb gets plain lines.
//   - An error is its cause, in lower case and without a full stop, and on the
//     next line the next step, where there is one. Its kind is the exit code.
//   - Unknown is shown as "unknown"; it is never blank, zero or a dash. A price
//     is never without where it comes from and when it held.
//   - Times are local and name their zone; durations are rounded to what a
//     person would say.
//   - What takes more than a second shows that it goes on: on a line below all
//     others, which is gone when something is said, or, where nothing can be drawn
//     in place, in a line that is said once.
//   - A question is a line on standard error and its answer a line on standard
//     input; package picker draws the longer ones in place. It is asked only where
//     somebody sees it and can answer, and never with --no-input: there what is
//     missing is an error of usage that names the flag to say it with. An
//     interrupt at a question, or the end of the input, exits with 130, and
//     nothing was done.
//   - The screen is never taken over. Only package picker puts the terminal into
//     another mode, and back. Only its questions and progress are drawn in place,
//     and not with ACCESSIBLE=1: a voice or a braille line gets every line once,
//     in sentences instead of columns.
//   - What is said is folded between words to the width that the terminal has
//     then, and a table leaves out columns that do not fit, and says so; 60 columns
//     are enough. Data in a file or a pipe is whole, and a command that is to be
//     copied is never broken.
package term

import (
	"io"
	"os"

	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"
)

// Streams are a program's input and output. A test gives buffers, and is a
// terminal or a pipe by choice.
type Streams struct {
	In      io.Reader
	Out     io.Writer // styles are reduced to what the terminal can show
	Err     io.Writer
	InTTY   bool
	OutTTY  bool
	ErrTTY  bool
	Columns int // the width of standard error's terminal; 0 when it is none

	Plain      bool // standard error is a terminal on which nothing can be drawn in place; ErrTTY is then false
	Accessible bool // somebody listens, or reads line by line: sentences instead of columns
	NoInput    bool // nothing may be asked

	line    *bottom                  // nil where nobody would see it
	measure func() (width, rows int) // nil where there is no terminal
}

// Measured are the streams with the width that their terminal has now.
func (s Streams) Measured() Streams {
	s.Columns, _ = s.Size()
	return s
}

// Size is how many columns and rows the terminal has now; 0 where it is none.
func (s Streams) Size() (columns, rows int) {
	if s.measure == nil {
		return s.Columns, 0
	}
	return s.measure()
}

// CanAsk tells that somebody sees standard error and can answer on standard
// input.
func (s Streams) CanAsk() bool { return s.InTTY && (s.ErrTTY || s.Plain) && !s.NoInput }

// System are the process's own streams.
func System() Streams {
	environ := os.Environ()
	out := colorprofile.NewWriter(os.Stdout, environ)
	errs := colorprofile.NewWriter(os.Stderr, environ)
	if os.Getenv("NO_COLOR") != "" { // whatever its value, see https://no-color.org
		out.Profile = colorprofile.NoTTY // data is then text and nothing else
		errs.Profile = min(errs.Profile, colorprofile.ASCII)
	}
	errTerminal := term.IsTerminal(int(os.Stderr.Fd()))
	accessible := os.Getenv("ACCESSIBLE") != ""
	drawn := errTerminal && os.Getenv("TERM") != "dumb" && !accessible
	s := Streams{
		In:     os.Stdin,
		Out:    out,
		Err:    errs,
		InTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTTY: drawn,

		Plain: errTerminal && !drawn, Accessible: accessible,
	}
	if errTerminal {
		s = overBottom(s)
	}
	s.measure = measure
	return s.Measured()
}

// measure asks the terminal, of whichever stream has one, for its size.
func measure() (columns, rows int) {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil {
			return w, h
		}
	}
	return 0, 0
}

// Drawn is the terminal behind standard error for somebody who draws on it by
// himself, while nothing is waited for; false where there is none.
func (s Streams) Drawn() (*colorprofile.Writer, bool) {
	to := s.Err
	if over, ok := to.(above); ok {
		to = over.to
	}
	screen, ok := to.(*colorprofile.Writer)
	return screen, ok && s.ErrTTY
}

// Piped tells whether standard input is a pipe or a file: something that could
// hold data for the program, and ends.
func Piped(stdin *os.File) bool {
	info, err := stdin.Stat()
	return err == nil && (info.Mode()&os.ModeNamedPipe != 0 || info.Mode().IsRegular())
}

// Plain are streams that are no terminal: what a pipe and a file see.
func Plain(out, err io.Writer) Streams {
	return Streams{
		Out: &colorprofile.Writer{Forward: out, Profile: colorprofile.NoTTY},
		Err: &colorprofile.Writer{Forward: err, Profile: colorprofile.NoTTY},
	}
}
