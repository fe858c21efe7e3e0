package policy

import (
	"strings"
	"unicode/utf8"
)

// pattern is a text with wildcards. Characters that a policy variable brought
// in are literal, even * and ?.
type pattern []element

type element struct {
	char     rune
	wildcard bool // char is * for any characters or ? for any one
}

// parsePattern reads text, asking lookup for each ${…}; with no lookup, ${ is
// plain text. It yields nil when a variable has no single value: nothing
// matches that.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func parsePattern(text string, lookup func(name string) (string, bool)) pattern {
	out := make(pattern, 0, len(text))
	for len(text) > 0 {
		if lookup != nil && strings.HasPrefix(text, "${") {
			if end := strings.IndexByte(text, '}'); end > 0 {
				value, found := lookup(text[2:end])
				if !found {
					return nil
				}
				for _, r := range value {
					out = append(out, element{char: r})
				}
				text = text[end+1:]
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(text)
		out = append(out, element{char: r, wildcard: r == '*' || r == '?'})
		text = text[size:]
	}
	return out
}

// matches tells whether the whole of s fits. It takes time in proportion to
// the product of both lengths at worst, so no policy can stall the cloud.
func (p pattern) matches(s string) bool {
	if p == nil {
		return false
	}
	text := []rune(s)
	at, star, resume := 0, -1, 0
	for i := 0; i < len(text); {
		switch {
		case at < len(p) && p[at].wildcard && p[at].char == '*':
			star, resume = at, i
			at++
		case at < len(p) && (p[at].wildcard || p[at].char == text[i]):
			at++
			i++
		case star >= 0: // let the last star take one more
			resume++
			at, i = star+1, resume
		default:
			return false
		}
	}
	for at < len(p) && p[at].wildcard && p[at].char == '*' {
		at++
	}
	return at == len(p)
}

// literal is the pattern's text if it holds no wildcard in the sense of an
// operator that knows none: every character counts as itself.
func (p pattern) literal() string {
	var b strings.Builder
	for _, e := range p {
		b.WriteRune(e.char)
	}
	return b.String()
}

// split cuts the pattern at the first five colons, as an ARN is.
func (p pattern) split() []pattern {
	var parts []pattern
	from := 0
	for i, e := range p {
		if e.char == ':' && len(parts) < 5 {
			parts = append(parts, p[from:i:i])
			from = i + 1
		}
	}
	return append(parts, p[from:len(p):len(p)])
}

// expand reads text with the request's values for variables; complete is
// false if one is missing.
func (d *Document) expand(text string, c Context) (p pattern, complete bool) {
	if !d.variables {
		return parsePattern(text, nil), true
	}
	p = parsePattern(text, func(name string) (string, bool) {
		if isEscape(name) {
			return name, true
		}
		name, fallback, hasFallback := strings.Cut(name, ",")
		if values := c[strings.ToLower(strings.TrimSpace(name))]; len(values) == 1 {
			return values[0], true
		}
		fallback = strings.TrimSpace(fallback)
		if hasFallback && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
			return fallback[1 : len(fallback)-1], true
		}
		return "", false
	})
	return p, p != nil
}

// isEscape tells whether a variable's name stands for itself: a character that
// means something elsewhere.
func isEscape(name string) bool { return name == "*" || name == "?" || name == "$" }
