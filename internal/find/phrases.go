package find

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// splitWords makes words of a text: in lower case, numbers apart from what
// stands behind them, so that 8gpu is "8 gpu" and 8xh100 is "8 x h100". Names of
// types, families, sizes and models stay whole.
func splitWords(text string) []string {
	var words []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == ',' || c == ';' }) {
		words = append(words, splitWord(w)...)
	}
	return words
}

func splitWord(w string) []string {
	for _, sign := range []string{"<=", ">=", "<", ">", "="} {
		if rest, ok := strings.CutPrefix(w, sign); ok && rest != "" {
			return append([]string{sign}, splitWord(rest)...)
		}
	}
	end := len(w) - len(strings.TrimLeft(w, "0123456789."))
	if end == 0 || end == len(w) || isSize(w) {
		return []string{w}
	}
	// A range goes on behind its first number: 4-16, 8+; 16-core does not.
	if rest := w[end:]; rest[0] == '-' {
		more := len(rest) - len(strings.TrimLeft(rest[1:], "0123456789."))
		if more == 1 {
			return append([]string{w[:end]}, splitWord(rest[1:])...)
		}
		end += more
	} else if rest[0] == '+' {
		end++
	}
	if end == len(w) {
		return []string{w}
	}
	rest := w[end:]
	if after, ok := strings.CutPrefix(rest, "x"); ok && after != "" && !strings.HasPrefix(rest, "x86") {
		return append([]string{w[:end], "x"}, splitWord(after)...)
	}
	return []string{w[:end], strings.TrimPrefix(rest, "-")}
}

// countable tells that a word is a number or a range of numbers.
func countable(w string) bool {
	_, err := parseSpan(w, nil)
	return err == nil
}

func plainNumber(w string) bool {
	_, err := parseNumber(w, nil)
	return err == nil
}

func isSize(w string) bool {
	digits := strings.TrimRight(strings.TrimSuffix(w, "xlarge"), "0123456789")
	return slices.Contains([]string{"nano", "micro", "small", "medium", "large"}, w) || strings.HasSuffix(w, "xlarge") && digits == ""
}

func isFamily(w string) bool {
	for t := range catalog.Types() {
		if t.Family() == w {
			return true
		}
	}
	return false
}

// phrase reads what sets a filter by itself.
func (r *wordReader) phrase() bool {
	from := r.at
	negated := r.next("no", "without", "not", "non")
	yes := "yes"
	if negated {
		yes = "no"
	}
	switch {
	case r.next("burstable", "bursting"):
		r.set("burstable", yes)
	case r.next("bare metal", "bare-metal", "baremetal", "metal"):
		r.set("bare-metal", yes)
	case r.next("local disk", "local disks", "local storage", "local nvme", "local ssd", "nvme", "instance store", "instance storage"):
		r.set("local-disk", yes)
	case r.next("hibernate", "hibernation", "hibernating", "can hibernate"):
		r.set("hibernation", yes)
	case r.next("current generation", "current-generation"):
		r.set("current-generation", yes)
	case negated && r.next("gpus", "gpu"):
		r.set("gpus", "0")
	case negated:
		r.at = from
		return false
	case r.next("previous generation", "old generation"):
		r.set("current-generation", "no")
	case r.next("amd gpu", "amd gpus"):
		r.set("gpu-model", "amd")
		r.set("gpus", "1+")
	case r.next("graviton"):
		r.set("processor", "graviton")
	case r.next("intel", "xeon"):
		r.set("processor", "intel")
	case r.next("amd", "epyc"):
		r.set("processor", "amd")
	case r.next("arm64", "arm", "aarch64"):
		r.set("arch", "arm64")
	case r.next("x86_64", "x86-64", "x86", "x64", "amd64"):
		r.set("arch", "x86_64")
	case r.next("gpu", "gpus"):
		r.anyGPU()
	case r.next("spot"):
		r.Spot = true
	case r.next("on-demand", "on demand", "cheapest", "cheap", "lowest price"): // as it is without them
	default:
		return false
	}
	return true
}

// anyGPU wants a GPU, unless it was said already how many or which.
func (r *wordReader) anyGPU() {
	said := func(words []string) bool { return slices.ContainsFunc(words, isModelWord) }
	counted := slices.ContainsFunc(r.Settings, func(s Setting) bool { return s.Flag == "gpus" })
	if !counted && !said(r.words) {
		r.set("gpus", "1+")
	}
}

// modelName reads the model of an accelerator that the catalog knows, "" when
// none follows. neuron tells that what has it is no GPU.
func (r *wordReader) modelName() (model string, neuron bool) {
	if r.at >= len(r.words) {
		return "", false
	}
	from := r.at
	maker := r.next("nvidia", "aws")
	if r.at == len(r.words) || !isModelWord(r.words[r.at]) {
		r.at = from
		if r.next("nvidia") {
			return "nvidia", false
		}
		return "", false
	}
	model = r.words[r.at]
	r.at++
	// t4g is a family of burstable types and a GPU in another one.
	if model == "t4g" && !maker && (r.at == len(r.words) || r.words[r.at] != "gpu" && r.words[r.at] != "gpus") {
		r.at = from
		return "", false
	}
	if model == "rtx" {
		for _, w := range []string{"pro", "server", "6000"} {
			if r.next(w) {
				model += " " + w
			}
		}
	}
	for t := range catalog.Types() {
		if a := t.Accelerators; a.Kind != catalog.NoAccelerator && isModel(a.Model, modelWords(model)) {
			return model, a.Kind != catalog.GPU
		}
	}
	return model, false
}

// isModelWord tells that a word by itself names a model of the catalog: not its
// maker, a share of it, or a word that says something else too.
func isModelWord(w string) bool {
	if slices.Contains([]string{"", "nvidia", "amd", "aws", "server", "pro", "ai", "grid"}, w) || strings.Trim(w, "0123456789") == "" || strings.ContainsAny(w, "(/ ,_-") {
		return false
	}
	for t := range catalog.Types() {
		if t.Accelerators.Kind != catalog.NoAccelerator && isModel(t.Accelerators.Model, []string{w}) {
			return true
		}
	}
	return false
}
