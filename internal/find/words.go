package find

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Understood is what plain words were taken for: arguments of truffle search.
type Understood struct {
	Patterns []string
	Settings []Setting // for ParseFilters, in the order of the words
	Regions  []string  // names, or all; none was said
	Spot     bool
	AtLeast  bool // some number was taken for "that or more"
}

// ReadWords reads what someone looks for in plain English: "graviton 16 cores
// 64gb under $1". Numbers of cores and amounts of memory, disk and network mean
// at least, unless "exactly" or "at most" stands before them; a number of GPUs
// means itself, because types with more of them are other machines.
//
// Every word is either understood or named in the error, which is of kind
// Usage. What is returned is always accepted by ParseFilters.
func ReadWords(text string) (Understood, error) {
	r := wordReader{words: splitWords(text)}
	for r.at < len(r.words) {
		if !r.one() {
			r.strange = append(r.strange, r.words[r.at])
			r.at++
		}
	}
	r.flushBound()
	r.sizes()
	switch {
	case len(r.strange) > 0:
		return Understood{}, problem.New(problem.Usage, "not understood: %s", strings.Join(r.strange, ", ")).
			WithNext(`say it like "graviton 16 cores 64gb under $1" or "8x h100 in us-east-1", or with the flags of truffle search --help`)
	case r.contradiction != "":
		return Understood{}, problem.New(problem.Usage, "two different things are said about %s", r.contradiction).WithNext("say one of them")
	case len(r.Patterns)+len(r.Settings) == 0:
		return Understood{}, problem.New(problem.Usage, "nothing is said about the machine").
			WithNext(`say what it should have, such as "4 cores 16gb"`)
	}
	if _, err := ParseFilters(r.Settings, r.Spot); err != nil {
		return Understood{}, err
	}
	return r.Understood, nil
}

// wordReader reads words from left to right. Its methods that read something
// tell whether they could, and stand behind it then.
type wordReader struct {
	Understood
	words []string
	at    int

	bound         bound
	boundWords    []string // of the bound, until a number uses it
	families      []string
	sizesSaid     []string
	strange       []string // what was not understood
	contradiction string   // the flag that was set twice
}

// one reads the next thing that is said.
func (r *wordReader) one() bool {
	for _, read := range []func() bool{r.boundary, r.money, r.counted, r.phrase, r.model, r.named, r.place, r.filler} {
		if read() {
			return true
		}
	}
	return false
}

// next tells whether these words follow, in one of the forms, and steps over
// them.
func (r *wordReader) next(forms ...string) bool {
	for _, form := range forms {
		words := strings.Fields(form)
		if r.at+len(words) <= len(r.words) && slices.Equal(r.words[r.at:r.at+len(words)], words) {
			r.at += len(words)
			return true
		}
	}
	return false
}

// set adds a filter; the same one twice is said once, two different ones are a
// contradiction. An amount of local disk says more exactly what "nvme" says.
func (r *wordReader) set(flag, value string) {
	for i, s := range r.Settings {
		if s.Flag != flag {
			continue
		}
		switch {
		case s.Value == value, flag == "local-disk" && value == "yes" && s.Value != "no":
		case flag == "local-disk" && s.Value == "yes" && value != "no":
			r.Settings[i].Value = value
		default:
			r.contradiction = flag
		}
		return
	}
	r.Settings = append(r.Settings, Setting{flag, value})
}

// model reads a model of an accelerator without a number.
func (r *wordReader) model() bool {
	model, _ := r.modelName()
	if model == "" {
		return false
	}
	r.set("gpu-model", model)
	r.next("gpus", "gpu")
	return true
}

// named reads types, families and sizes.
func (r *wordReader) named() bool {
	word := r.words[r.at]
	switch {
	case isSize(word):
		r.sizesSaid = append(r.sizesSaid, word)
	case isFamily(word):
		r.families = append(r.families, word)
	case strings.Contains(word, ".") && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789.-*?") == "" && !countable(word[:1]):
		r.Patterns = append(r.Patterns, word)
	default:
		return false
	}
	r.at++
	return true
}

// sizes turns sizes and families into what they say together.
func (r *wordReader) sizes() {
	if len(r.sizesSaid) == 0 {
		if len(r.families) > 0 {
			r.set("family", strings.Join(r.families, ","))
		}
		return
	}
	families := r.families
	if len(families) == 0 {
		families = []string{"*"}
	}
	for _, family := range families {
		for _, size := range r.sizesSaid {
			r.Patterns = append(r.Patterns, family+"."+size)
		}
	}
}

// filler reads words that say nothing about a machine.
func (r *wordReader) filler() bool {
	return r.next("a", "an", "the", "with", "and", "of", "for", "that", "has", "have", "having", "is", "are",
		"instance", "instances", "type", "types", "machine", "machines", "ec2", "aws")
}

// Args are the arguments of truffle search that ask the same.
func (u Understood) Args() []string {
	args := slices.Clone(u.Patterns)
	for _, s := range u.Settings {
		args = append(args, "--"+s.Flag, s.Value)
	}
	if len(u.Regions) > 0 {
		args = append(args, "--region", strings.Join(u.Regions, ","))
	}
	if u.Spot {
		args = append(args, "--spot")
	}
	return args
}

// Quote writes arguments as a line for a shell.
func Quote(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if a == "" || strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,_+-/=:") != "" {
			a = fmt.Sprintf("'%s'", strings.ReplaceAll(a, "'", `'\''`))
		}
		quoted[i] = a
	}
	return strings.Join(quoted, " ")
}
