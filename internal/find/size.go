package find

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// compareTypes orders types by family, and within one from small to large: by
// what they have, then by what their names say, bare metal after virtual.
func compareTypes(a, b catalog.Type) int {
	return cmp.Or(
		compareNatural(a.Family(), b.Family()),
		// A type of which only the name is known goes by its name.
		cmp.Compare(unknownLast(a.VCPUs), unknownLast(b.VCPUs)),
		cmp.Compare(a.MemoryMiB, b.MemoryMiB),
		compareBool(a.BareMetal, b.BareMetal),
		cmp.Compare(sizeRank(a.Size()), sizeRank(b.Size())),
		strings.Compare(a.Name, b.Name),
	)
}

func unknownLast(n int) int {
	if n == 0 {
		return 1 << 30
	}
	return n
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// sizeRank is the rank of a size by its name: nano, micro, small, medium,
// large, xlarge, 2xlarge and so on; metal without a number last.
func sizeRank(size string) int {
	for rank, name := range []string{"nano", "micro", "small", "medium", "large"} {
		if size == name {
			return rank
		}
	}
	rest, ok := strings.CutSuffix(size, "xlarge")
	if !ok {
		rest, ok = strings.CutSuffix(size, "xl") // metal-24xl
	}
	if !ok {
		return 1 << 20
	}
	n, err := strconv.Atoi(rest[len(strings.TrimRight(rest, "0123456789")):])
	if err != nil {
		n = 1 // xlarge
	}
	return 10 + n
}

// compareNatural compares names so that numbers in them count as numbers: m7i
// comes before m10i.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		digitsA, digitsB := leadingDigits(a), leadingDigits(b)
		if digitsA == 0 || digitsB == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		// Without leading zeros, the longer number is the larger one.
		numberA, numberB := strings.TrimLeft(a[:digitsA], "0"), strings.TrimLeft(b[:digitsB], "0")
		if c := cmp.Or(cmp.Compare(len(numberA), len(numberB)), strings.Compare(numberA, numberB)); c != 0 {
			return c
		}
		a, b = a[digitsA:], b[digitsB:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
