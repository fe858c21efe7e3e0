package find

import (
	"path"
	"regexp"
	"strings"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// pattern is one thing that was asked for: a name, a glob or an expression.
type pattern struct {
	text    string
	exact   bool
	matches func(name string) bool
}

// parsePattern reads a pattern: /…/ is a regular expression found anywhere in
// the name, one with * ? or [ is a glob for the whole name, anything else is
// the name itself. Names are in lower case, so case does not matter.
func parsePattern(text string) (pattern, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return pattern{}, problem.New(problem.Usage, "the pattern is empty").
			WithNext("name an instance type such as m7i.large, or a pattern such as 'm7i.*'")
	}
	if len(text) > 1 && strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/") {
		expression, err := regexp.Compile("(?i)" + text[1:len(text)-1])
		if err != nil {
			return pattern{}, problem.New(problem.Usage, "%s is not a regular expression: %w", text, err).
				WithNext(`write it like '/^m7i\.(x|2x)large$/'`)
		}
		return pattern{text: text, matches: expression.MatchString}, nil
	}
	text = strings.ToLower(text)
	if strings.ContainsAny(text, "*?[") {
		if _, err := path.Match(text, ""); err != nil {
			return pattern{}, problem.New(problem.Usage, "%s is not a pattern: a bracket is not closed", text).
				WithNext("write it like 'm7i.*' or 'c[67]g.large'")
		}
		return pattern{text: text, matches: func(name string) bool {
			ok, err := path.Match(text, name)
			return err == nil && ok
		}}, nil
	}
	return pattern{text: text, exact: true, matches: func(name string) bool { return name == text }}, nil
}
