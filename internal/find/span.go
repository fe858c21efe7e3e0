package find

import (
	"math"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Span is a range of numbers with both ends in it.
type Span struct {
	Least, Most float64 // Most is +Inf where there is no upper end
}

// unit is a word behind a number and what one of it is in the span's own unit.
type unit struct {
	name string
	is   float64
}

// mostInSpan is far beyond any number of any type, and small enough that units
// cannot carry a number out of what a float64 tells apart.
const mostInSpan = 1e9

// parseSpan reads a range: 8 is the number itself, 4-16 from one to the other,
// 8+ that or more, -16 that or less. A number may have a decimal point and one
// of the units behind it; case does not matter. There are no signs, exponents
// or blanks.
func parseSpan(text string, units []unit) (Span, error) {
	text = strings.ToLower(text)
	if digits, ok := strings.CutSuffix(text, "+"); ok {
		n, err := parseNumber(digits, units)
		return Span{n, math.Inf(1)}, err
	}
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		n, err := parseNumber(first, units)
		return Span{n, n}, err
	}
	most, err := parseNumber(last, units)
	if err != nil || first == "" {
		return Span{0, most}, err
	}
	least, err := parseNumber(first, units)
	if err != nil {
		return Span{}, err
	}
	if least > most {
		return Span{}, problem.New(problem.Usage, "%s begins above its end", text)
	}
	return Span{least, most}, nil
}

func parseNumber(text string, units []unit) (float64, error) {
	end := len(text) - len(strings.TrimLeft(text, "0123456789."))
	digits, name := text[:end], text[end:]
	factor := 0.0
	if name == "" {
		factor = 1
	}
	for _, u := range units {
		if u.name == name {
			factor = u.is
		}
	}
	n, err := strconv.ParseFloat(digits, 64)
	switch {
	case err != nil || strings.HasPrefix(digits, ".") || strings.HasSuffix(digits, "."):
		return 0, problem.New(problem.Usage, "%q is not a number", text)
	case factor == 0:
		return 0, problem.New(problem.Usage, "%q has a unit that does not belong here", text)
	case n*factor > mostInSpan:
		return 0, problem.New(problem.Usage, "%s is beyond any instance type", text)
	}
	return n * factor, nil
}

// Contains tells that a number is in the span.
func (s Span) Contains(n float64) bool { return s.Least <= n && n <= s.Most }

// distance is how far a number is outside the span.
func (s Span) distance(n float64) float64 { return max(s.Least-n, n-s.Most, 0) }

// words say the span in front of what it counts, such as "vCPU".
func (s Span) words(one, many string) string {
	noun := many
	if s.Least == 1 && s.Most == 1 {
		noun = one
	}
	switch {
	case s.Least == s.Most:
		return number(s.Least) + " " + noun
	case math.IsInf(s.Most, 1):
		return "at least " + number(s.Least) + " " + noun
	case s.Least == 0:
		return "at most " + number(s.Most) + " " + noun
	default:
		return number(s.Least) + " to " + number(s.Most) + " " + noun
	}
}

// number writes a number as short as it can be read back.
func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
