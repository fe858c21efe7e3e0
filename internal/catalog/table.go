package catalog

import (
	"fmt"
	"sort"
)

// table reads a catalog file in place: opening it reads the header, and a
// lookup only what it is about. The file's layout is described in encode.go.
type table struct {
	file                                   string
	types, regions, strings, sources, text int // the counts of the header; text in bytes

	// where the sections begin
	stringOffsetsAt, textAt, sourcesAt, typesAt, regionOffsetsAt, regionsAt int
}

// open checks that the file is a catalog and that its sections lie within it.
func open(file string) (table, error) {
	if len(file) < headerSize || file[:len(magic)] != magic {
		return table{}, fmt.Errorf("this is not a catalog file")
	}
	t := table{file: file}
	for i, n := range []*int{&t.types, &t.regions, &t.strings, &t.sources, &t.text} {
		*n = t.u32(len(magic) + 4*i)
	}
	t.stringOffsetsAt = headerSize
	t.textAt = t.stringOffsetsAt + 4*(t.strings+1)
	t.sourcesAt = t.textAt + t.text
	t.typesAt = t.sourcesAt + sourceSize*t.sources
	t.regionOffsetsAt = t.typesAt + typeSize*t.types
	t.regionsAt = t.regionOffsetsAt + 4*t.regions
	if t.regionsAt > len(file) {
		return table{}, fmt.Errorf("the catalog file is cut off")
	}
	return t, nil
}

func (t table) u16(at int) int { return int(t.file[at]) | int(t.file[at+1])<<8 }
func (t table) u32(at int) int { return t.u16(at) | t.u16(at+2)<<16 }

// str reads the string whose number is at the place.
func (t table) str(at int) string {
	offsets := t.stringOffsetsAt + 4*t.u16(at)
	return t.file[t.textAt+t.u32(offsets) : t.textAt+t.u32(offsets+4)]
}

func (t table) source(i int) Source {
	at := t.sourcesAt + sourceSize*i
	return Source{Name: t.str(at), AsOf: t.str(at + 2)}
}

func (t table) typeName(i int) string { return t.str(t.typesAt + typeSize*i) }

func (t table) typ(i int) Type {
	at := t.typesAt + typeSize*i
	flags := t.file[at+33]
	return Type{
		Name:        t.str(at),
		VCPUs:       t.u16(at + 2),
		MemoryMiB:   t.u32(at + 4),
		Network:     t.str(at + 8),
		NetworkMbps: t.u32(at + 16),
		EBSMbps:     t.u32(at + 20),
		LocalDiskGB: t.u32(at + 24),
		Accelerators: Accelerators{
			Kind:      AcceleratorKind(t.file[at+29]),
			Count:     int(t.file[at+30]),
			Model:     t.str(at + 10),
			MemoryMiB: t.u32(at + 12),
		},
		Architectures: Architectures(t.file[at+28]),
		LocalDisk:     Answer(t.file[at+31]),
		Hibernation:   Answer(t.file[at+32]),
		BareMetal:     flags&flagBareMetal != 0,
		Burstable:     flags&flagBurstable != 0,
		Previous:      flags&flagPrevious != 0,
		Origin:        Origin(t.file[at+34]),
		Source:        t.source(int(t.file[at+35])),
	}
}

// findType is the index of the type with that name, or -1.
func (t table) findType(name string) int {
	i := sort.Search(t.types, func(i int) bool { return t.typeName(i) >= name })
	if i < t.types && t.typeName(i) == name {
		return i
	}
	return -1
}

// region reads where a region's columns are.
func (t table) region(i int) region {
	at := t.regionsAt + t.u32(t.regionOffsetsAt+4*i)
	r := region{table: t, name: t.str(at), ratioPPM: t.u32(at + 2), zones: t.u16(at + 6), zonesAt: at + 8}
	countAt := r.zonesAt + 2*r.zones
	r.offerings, r.columnsAt = t.u16(countAt), countAt+2
	return r
}

func (t table) findRegion(name string) (region, bool) {
	for i := range t.regions {
		if r := t.region(i); r.name == name {
			return r, true
		}
	}
	return region{}, false
}

// region is a region of a table.
type region struct {
	table
	name      string
	ratioPPM  int
	zones     int
	zonesAt   int
	offerings int
	columnsAt int
}

func (r region) zone(i int) Zone {
	id := r.str(r.zonesAt + 2*i)
	// The last digit of use1-az1 gives the letter; no region has ten zones.
	return Zone{ID: id, Name: r.name + string('a'+rune(id[len(id)-1]-'1'))}
}

func (r region) zonesIn(mask byte) []Zone {
	var zones []Zone
	for i := range r.zones {
		if mask&(1<<i) != 0 {
			zones = append(zones, r.zone(i))
		}
	}
	return zones
}

// typeAt is the index of the type of the i-th offering.
func (r region) typeAt(i int) int { return r.u16(r.columnsAt + 2*i) }

// find is the place of a type among the region's offerings.
func (r region) find(typeIndex int) (int, bool) {
	i := sort.Search(r.offerings, func(i int) bool { return r.typeAt(i) >= typeIndex })
	return i, i < r.offerings && r.typeAt(i) == typeIndex
}

func (r region) offering(i int) Offering {
	n := r.offerings
	onDemandAt := r.columnsAt + 2*n
	spotAt, masksAt := onDemandAt+4*n, onDemandAt+8*n
	sources := r.file[masksAt+2*n+i]
	return Offering{
		Region:       r.name,
		Type:         r.typeName(r.typeAt(i)),
		Confirmed:    true,
		Zones:        r.zonesIn(r.file[masksAt+i]),
		OnDemand:     r.price(onDemandAt+4*i, sources&15),
		Spot:         r.price(spotAt+4*i, sources>>4),
		Interruption: Interruption(r.file[masksAt+n+i]),
	}
}

func (r region) price(at int, source byte) Price {
	micro := r.u32(at)
	if micro == 0 {
		return Price{}
	}
	return Price{MicroUSD: int64(micro), Source: r.source(int(source))}
}
