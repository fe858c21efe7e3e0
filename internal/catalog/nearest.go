package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest are up to n names of types that look most like name, the likeliest
// first: what someone who mistyped it may have meant. Names too far away to be
// meant are left out.
func Nearest(name string, n int) []string {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) > 40 {
		return nil // longer than any name: no distance would be small
	}
	type candidate struct {
		name     string
		distance int
	}
	farthest := max(2, len(name)/3)
	var candidates []candidate
	for t := range Types() {
		d := distance(name, t.Name)
		if d > farthest {
			continue
		}
		candidates = append(candidates, candidate{t.Name, d})
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(a.distance, b.distance),
			// People mistype the end of a name more often than its beginning.
			-cmp.Compare(commonPrefix(name, a.name), commonPrefix(name, b.name)),
			strings.Compare(a.name, b.name),
		)
	})
	var names []string
	for _, c := range candidates[:min(n, len(candidates))] {
		names = append(names, c.name)
	}
	return names
}

func commonPrefix(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// distance is how many letters have to be added, dropped, replaced or swapped
// with their neighbour to turn a into b.
func distance(a, b string) int {
	previous2 := make([]int, len(b)+1)
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current := make([]int, len(b)+1)
		current[0] = i
		for j := 1; j <= len(b); j++ {
			replace := previous[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			current[j] = min(replace, previous[j]+1, current[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], previous2[j-2]+1)
			}
		}
		previous2, previous = previous, current
	}
	return previous[len(b)]
}
