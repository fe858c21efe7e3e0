package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// familyPattern takes the name of a family apart: the series, the generation
// and the attributes, as in c8gn and m8i-flex.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
var familyPattern = regexp.MustCompile(`^([a-z]+)([0-9]+)([a-z]*)(-flex)?$`)

// sizePattern matches sizes that state a multiple of xlarge.
var sizePattern = regexp.MustCompile(`^(?:metal-)?([0-9]+)xl(?:arge)?$`)

// derive works out a type from its name, where the naming rules allow it: sizes
// state vCPUs, and the series the memory that comes with each.
func derive(name string) (catalog.Type, bool) {
	family, size, _ := strings.Cut(name, ".")
	parts := familyPattern.FindStringSubmatch(family)
	vcpus, ok := sizeVCPUs(size)
	if parts == nil || !ok {
		return catalog.Type{}, false
	}
	series, attributes := parts[1], parts[3]
	ratio := gibPerVCPU(series, attributes)
	if ratio == 0 {
		return catalog.Type{}, false
	}
	t := catalog.Type{
		Name:          name,
		VCPUs:         vcpus,
		MemoryMiB:     vcpus * ratio * 1024,
		Architectures: catalog.X86,
		LocalDisk:     catalog.No,
		BareMetal:     strings.HasPrefix(size, "metal"),
		Origin:        catalog.Derived,
	}
	if strings.Contains(attributes, "g") {
		t.Architectures = catalog.Arm
	}
	if strings.Contains(attributes, "d") || series == "i" {
		t.LocalDisk = catalog.Yes
	}
	return t, true
}

func sizeVCPUs(size string) (int, bool) {
	switch size {
	case "medium":
		return 1, true
	case "large":
		return 2, true
	case "xlarge":
		return 4, true
	}
	m := sizePattern.FindStringSubmatch(size)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return 4 * n, err == nil
}

// gibPerVCPU is the memory of a series per vCPU; 0 where there is no rule.
func gibPerVCPU(series, attributes string) int {
	switch series {
	case "c":
		return 2
	case "m":
		return 4
	case "r", "i":
		return 8
	case "x":
		if strings.Contains(attributes, "e") {
			return 32
		}
		return 16
	default:
		return 0
	}
}

// oldest generation of each series for which the rules are expected to hold;
// earlier ones were sized freely.
var ruledSince = map[string]int{"c": 6, "m": 6, "r": 6, "i": 7, "x": 2}

// checkRules applies the rules to the types that a source lists, and fails if
// they would have derived one wrongly.
func checkRules(types []catalog.Type) error {
	for _, t := range types {
		parts := familyPattern.FindStringSubmatch(t.Family())
		if parts == nil || t.Size() == "metal" {
			continue
		}
		generation, err := strconv.Atoi(parts[2])
		if err != nil || generation < max(1, ruledSince[parts[1]]) {
			continue
		}
		d, ok := derive(t.Name)
		if !ok {
			continue
		}
		if d.VCPUs != t.VCPUs || d.MemoryMiB != t.MemoryMiB || d.Architectures != t.Architectures || d.LocalDisk != t.LocalDisk {
			return fmt.Errorf("the rules make %s %d vCPUs, %d MiB, %v, local disk %v; listed are %d, %d, %v, %v", t.Name,
				d.VCPUs, d.MemoryMiB, d.Architectures.Names(), d.LocalDisk, t.VCPUs, t.MemoryMiB, t.Architectures.Names(), t.LocalDisk)
		}
	}
	return nil
}

// hibernating are the families that the user guide lists as able to hibernate.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
var hibernating = strings.Fields(`
	m3 m4 m5 m5a m5ad m5d m6a m6g m6gd m6i m6id m6idn m6in m7a m7g m7gd m7i m7i-flex
	m8a m8azn m8g m8gb m8gd m8gn m8i m8i-flex t2 t3 t3a t4g
	c3 c4 c5 c5d c6a c6g c6gd c6gn c6i c6id c6in c7a c7g c7gd c7gn c7i c7i-flex
	c8a c8g c8gb c8gd c8gn c8i c8i-flex
	r3 r4 r5 r5a r5ad r5d r6a r6g r6gd r6idn r6in r7a r7g r7gd r7i r7iz
	r8a r8g r8gb r8gd r8gn r8i r8i-flex x2gd x8aedz x8i
	i3 i3en i4g i7i i7ie i8g i8ge im4gn is4gen`)

// hibernation tells whether a type can hibernate: a listed family, not bare
// metal, and less than 150 GiB of memory.
func hibernation(t catalog.Type) catalog.Answer {
	switch t.Name {
	case "c6a.12xlarge": // refused although its family and memory would do
		return catalog.No
	case "m7i-flex.12xlarge", "m7i-flex.16xlarge": // allowed although they have more memory
		return catalog.Yes
	}
	family := slices.Contains(hibernating, t.Family())
	switch {
	case t.BareMetal, t.MemoryMiB >= 150*1024:
		return catalog.No
	case t.Origin == catalog.NameOnly:
		return catalog.Unknown
	case family:
		return catalog.Yes
	case t.Origin == catalog.Listed || t.Accelerators.Kind != catalog.NoAccelerator:
		return catalog.No
	default:
		return catalog.Unknown // the family is newer than the guide's list
	}
}
