package main

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A recorded session is what programs wrote to a terminal, control characters
// included. drawSession plays it and draws what is on the screen at its end, as
// an SVG for docs: light text on a dark ground, which reads the same on a light
// and on a dark page.
//
// It understands what our programs write: colours, going up, clearing to the end
// of a line or of the screen. Anything else is an error, so that the picture is never a wrong one.
func drawSession(in io.Reader, out io.Writer) error {
	raw, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the session: %w", err)
	}
	shown, err := play(raw)
	if err != nil {
		return err
	}
	_, err = out.Write(shown.svg())
	return err
}

// screen is what a terminal of endless size shows.
type screen struct {
	lines    [][]cell
	row, col int
	now      look
}

type cell struct {
	char rune
	look look
}

// look is how a character looks: the SGR number of its colour, 0 for none.
type look struct {
	colour      int
	bold, faint bool
}

func play(raw []byte) (*screen, error) {
	s := &screen{lines: [][]cell{nil}}
	text := []rune(string(raw))
	for i := 0; i < len(text); i++ {
		switch char := text[i]; {
		case char == '\r':
			s.col = 0
		case char == '\n':
			if s.row++; s.row == len(s.lines) {
				s.lines = append(s.lines, nil)
			}
		case char == 0x1b:
			used, err := s.control(text[i+1:])
			if err != nil {
				return nil, err
			}
			i += used
		case char < ' ':
			return nil, fmt.Errorf("the session has the control character %q, which is not understood", char)
		default:
			s.put(char)
		}
	}
	return s, nil
}

func (s *screen) put(char rune) {
	line := s.lines[s.row]
	for len(line) <= s.col {
		line = append(line, cell{char: ' '})
	}
	line[s.col] = cell{char, s.now}
	s.lines[s.row], s.col = line, s.col+1
}

// control obeys the sequence that follows an escape, and tells its length.
func (s *screen) control(text []rune) (length int, err error) {
	end := 1
	for end < len(text) && (text[end] < '@' || text[end] > '~') {
		end++
	}
	if end >= len(text) || text[0] != '[' {
		return 0, fmt.Errorf("the session has a control sequence that is not understood: %q", string(text[:min(len(text), 8)]))
	}
	parameters := string(text[1:end])
	switch {
	case text[end] == 'm':
		err = s.now.set(parameters)
	case text[end] == 'A':
		n, failed := strconv.Atoi(cmp.Or(parameters, "1"))
		s.row, err = max(s.row-n, 0), failed
	case text[end] == 'J' && parameters == "":
		s.lines = append(s.lines[:s.row], s.lines[s.row][:min(s.col, len(s.lines[s.row]))])
	case text[end] == 'K' && parameters == "":
		s.lines[s.row] = s.lines[s.row][:min(s.col, len(s.lines[s.row]))]
	default:
		err = fmt.Errorf("the session has a control sequence that is not understood: %q", string(text[:end+1]))
	}
	return end + 1, err
}

func (l *look) set(parameters string) error {
	for p := range strings.SplitSeq(parameters, ";") {
		switch n, err := strconv.Atoi("0" + p); {
		case err != nil:
			return err
		case n == 0:
			*l = look{}
		case n == 1:
			l.bold = true
		case n == 2:
			l.faint = true
		case n == 22:
			l.bold, l.faint = false, false
		case n == 39:
			l.colour = 0
		case colours[n] != "":
			l.colour = n
		default:
			return fmt.Errorf("the session has a colour that is not understood: %s", parameters)
		}
	}
	return nil
}

var colours = map[int]string{ //nolint:gochecknoglobals // a table that nobody writes to
	31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea", 90: "#8b949e",
}

// The size of a character and of the frame, in pixels.
const (
	wide              = 7.8 // what a font of 13 pixels mostly has
	high, frame       = 19, 16
	ground, ink, pale = "#161b22", "#e6edf3", "#8b949e"
)

func (s *screen) svg() []byte {
	lines := s.lines
	for len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	widest := 0
	for _, line := range lines {
		widest = max(widest, len(line))
	}
	var b bytes.Buffer
	w, h := int(float64(widest)*wide)+2*frame, len(lines)*high+2*frame
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="A session at a terminal">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="%s"/>`+"\n", w, h, ground)
	fmt.Fprintf(&b, `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="%s" xml:space="preserve">`+"\n", ink)
	for row, line := range lines {
		writeLine(&b, line, frame+row*high+high*3/4)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// writeLine writes what looks the same together. Each part says how wide it is,
// because the reader's font may not be as wide as ours.
func writeLine(b *bytes.Buffer, line []cell, y int) {
	if len(line) == 0 {
		return
	}
	fmt.Fprintf(b, `<text y="%d">`, y)
	for from := 0; from < len(line); {
		to := from
		var part strings.Builder
		for to < len(line) && line[to].look == line[from].look {
			part.WriteRune(line[to].char)
			to++
		}
		fmt.Fprintf(b, `<tspan x="%.1f" textLength="%.1f"%s>`, frame+float64(from)*wide, float64(to-from)*wide, line[from].look.attributes())
		_ = xml.EscapeText(b, []byte(part.String())) // to memory
		b.WriteString("</tspan>")
		from = to
	}
	b.WriteString("</text>\n")
}

func (l look) attributes() (out string) {
	if l.bold {
		out += ` font-weight="bold"`
	}
	switch {
	case l.colour != 0:
		out += ` fill="` + colours[l.colour] + `"`
	case l.faint:
		out += ` fill="` + pale + `"`
	}
	return out
}
