package find

import (
	"strings"
)

// bound is what a number stands for.
type bound int

const (
	usual bound = iota
	atLeast
	atMost
	exactly
)

// boundary reads what says how the next number is meant.
func (r *wordReader) boundary() bool {
	from := r.at
	var b bound
	switch {
	case r.next("at least", "minimum", "min", "over", "above", "more than", "from", ">=", ">"):
		b = atLeast
	case r.next("at most", "maximum", "max", "up to", "under", "below", "less than", "cheaper than", "no more than", "<=", "<"):
		b = atMost
	case r.next("exactly", "exact", "just", "="):
		b = exactly
	default:
		return false
	}
	r.flushBound() // two in a row: the first bounds nothing
	r.bound, r.boundWords = b, r.words[from:r.at]
	return true
}

// flushBound gives up a bound that no number followed.
func (r *wordReader) flushBound() {
	r.strange = append(r.strange, r.boundWords...)
	r.bound, r.boundWords = usual, nil
}

// span writes a number as the value of a filter, under the bound before it.
func (r *wordReader) span(value string, otherwise bound) string {
	b := r.bound
	if b == usual {
		b = otherwise
	}
	r.bound, r.boundWords = usual, nil
	switch {
	case strings.ContainsAny(value, "+-"):
		return value // says it itself
	case b == atLeast:
		r.AtLeast = true
		return value + "+"
	case b == atMost:
		return "-" + value
	default:
		return value
	}
}

// money reads the most that an hour may cost.
func (r *wordReader) money() bool {
	from := r.at
	amount, dollar := strings.CutPrefix(r.words[r.at], "$")
	if dollar && amount == "" && r.at+1 < len(r.words) {
		r.at++
		amount = r.words[r.at]
	}
	r.at++
	if !plainNumber(amount) || !dollar && !r.next("$", "usd", "dollar", "dollars") || r.bound == atLeast || r.bound == exactly {
		r.at = from
		return false
	}
	r.bound, r.boundWords = usual, nil
	r.next("an hour", "per hour", "/ hour", "/hour", "/h", "/hr", "hourly", "a hour")
	r.set("max-price", amount)
	return true
}

// counted reads a number and what it counts.
func (r *wordReader) counted() bool {
	from := r.at
	value := r.words[r.at]
	if !countable(value) {
		return false
	}
	r.at++
	switch {
	case r.next("cores", "core", "vcpus", "vcpu", "cpus", "cpu"):
		r.set("vcpus", r.span(value, atLeast))
	case r.next("gpus", "gpu"):
		r.set("gpus", r.span(value, exactly))
	case r.next("accelerators", "accelerator"):
		r.set("accelerators", r.span(value, exactly))
	case r.next("gbps", "gbit/s", "gb/s"):
		r.next("of")
		r.next("networking", "network bandwidth", "network", "bandwidth")
		r.set("network", r.span(value, atLeast))
	case r.next("gb", "gib", "g"):
		r.amount(value, "gb")
	case r.next("tb", "tib", "t"):
		r.amount(value, "tb")
	case r.next("x") && r.modelled(value), r.modelled(value):
	default:
		r.at = from
		return false
	}
	return true
}

// amount sets an amount of what follows: GPU memory, local disk, else memory.
func (r *wordReader) amount(value, unit string) {
	r.next("of")
	flag := "memory"
	switch {
	case r.next("gpu memory", "gpu ram", "vram"):
		r.set("gpu-memory", r.span(withUnit(value, unit), atLeast))
		return
	case r.next("local disk", "local storage", "local nvme", "local ssd", "nvme", "instance store", "instance storage"):
		flag = "local-disk"
	default:
		r.next("memory", "ram", "mem")
	}
	if unit == "gb" { // which is how they are meant without a unit
		r.set(flag, r.span(value, atLeast))
		return
	}
	r.set(flag, r.span(withUnit(value, unit), atLeast))
}

// withUnit puts a unit behind each number of a range.
func withUnit(value, unit string) string {
	first, last, ranged := strings.Cut(value, "-")
	switch {
	case ranged && first == "":
		return value + unit
	case ranged:
		return first + unit + "-" + last + unit
	}
	first = strings.TrimSuffix(first, "+")
	return first + unit + strings.TrimPrefix(value, first)
}

// modelled reads the model that a number of accelerators is of.
func (r *wordReader) modelled(value string) bool {
	model, neuron := r.modelName()
	if model == "" {
		return false
	}
	r.set("gpu-model", model)
	flag := "gpus"
	if neuron {
		flag = "accelerators"
	}
	r.set(flag, r.span(value, exactly))
	r.next("gpus", "gpu", "accelerators", "accelerator")
	return true
}
