package catalog

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Contents is everything a catalog file holds, as the generator collects it.
// Programs do not see it: they read the file in place.
type Contents struct {
	Types   []Type // sorted by name
	Regions []RegionContents
}

// RegionContents is a region and what is offered in it.
type RegionContents struct {
	Name string
	// RatioPPM is the region's price level: the median of its prices over those
	// of the base region, in millionths. Zero means that nothing is estimated
	// here, because what is known about the region is complete.
	RatioPPM  int
	ZoneIDs   []string // at most eight
	Offerings []OfferingContents
}

// OfferingContents is what is stored of an offering.
type OfferingContents struct {
	TypeIndex    int // into Contents.Types; ascending within a region
	OnDemand     Price
	Spot         Price
	ZoneMask     uint8 // bit i is RegionContents.ZoneIDs[i]; 0 is unknown
	Interruption Interruption
}

// The file, all numbers little-endian:
//
//	magic (8 bytes), the counts of types, regions, strings and sources, and the
//	    length of the string text (uint32 each)
//	string offsets: uint32 for each string, and the end
//	string text
//	sources: name and date (string numbers, uint16 each)
//	types: records of typeSize bytes
//	region offsets: uint32 each, from the start of the first region
//	regions: name (uint16), price ratio (uint32), zone count (uint16), zone IDs
//	    (uint16 each), offering count n (uint16), then n of each column: type
//	    (uint16), on-demand price (uint32), Spot price (uint32), zone mask
//	    (uint8), interruption (uint8), source of the on-demand price and of the
//	    Spot price (4 bits each in a uint8)
//
// Columns keep the numbers that a search compares close together.
const (
	magic      = "EC2CAT02"
	headerSize = len(magic) + 5*4
	sourceSize = 2 * 2
	typeSize   = 36
)

// Bits of a type record's flags.
const (
	flagBareMetal = 1 << iota
	flagBurstable
	flagPrevious
)

// Encode writes the contents as a catalog file. It fails when a number does not
// fit its field or the order is wrong; nothing is cut off.
func Encode(c Contents) ([]byte, error) {
	e := encoder{strings: map[string]uint16{}}
	var types, regions, offsets []byte
	for i, t := range c.Types {
		if i > 0 && c.Types[i-1].Name >= t.Name {
			return nil, fmt.Errorf("type %s is out of order", t.Name)
		}
		types = e.appendType(types, t)
	}
	for _, r := range c.Regions {
		offsets = e.u32(offsets, len(regions))
		regions = e.appendRegion(regions, r, len(c.Types))
	}
	var sources []byte
	for _, s := range e.sources {
		sources = e.str(e.str(sources, s.Name), s.AsOf)
	}
	var text, stringOffsets []byte
	for _, s := range e.order {
		stringOffsets = e.u32(stringOffsets, len(text))
		text = append(text, s...)
	}
	stringOffsets = e.u32(stringOffsets, len(text))

	file := []byte(magic)
	for _, n := range []int{len(c.Types), len(c.Regions), len(e.order), len(e.sources), len(text)} {
		file = e.u32(file, n)
	}
	for _, section := range [][]byte{stringOffsets, text, sources, types, offsets, regions} {
		file = append(file, section...)
	}
	return file, e.err
}

// encoder numbers strings and sources, and keeps the first thing that did not
// fit.
type encoder struct {
	strings map[string]uint16
	order   []string
	sources []Source
	err     error
}

func (e *encoder) appendType(b []byte, t Type) []byte {
	flags := 0
	for bit, set := range map[int]bool{flagBareMetal: t.BareMetal, flagBurstable: t.Burstable, flagPrevious: t.Previous} {
		if set {
			flags |= bit
		}
	}
	start := len(b)
	b = e.str(b, t.Name)
	b = e.u16(b, t.VCPUs)
	b = e.u32(b, t.MemoryMiB)
	b = e.str(b, t.Network)
	b = e.str(b, t.Accelerators.Model)
	b = e.u32(b, t.Accelerators.MemoryMiB)
	b = e.u32(b, t.NetworkMbps)
	b = e.u32(b, t.EBSMbps)
	b = e.u32(b, t.LocalDiskGB)
	for _, n := range []int{
		int(t.Architectures), int(t.Accelerators.Kind), t.Accelerators.Count, int(t.LocalDisk),
		int(t.Hibernation), flags, int(t.Origin), e.source(t.Source),
	} {
		b = e.u8(b, n)
	}
	if len(b)-start != typeSize {
		e.fail("a type record of %d bytes", len(b)-start)
	}
	return b
}

func (e *encoder) appendRegion(b []byte, r RegionContents, types int) []byte {
	if len(r.ZoneIDs) > 8 {
		e.fail("region %s with %d zones", r.Name, len(r.ZoneIDs))
	}
	b = e.str(b, r.Name)
	b = e.u32(b, r.RatioPPM)
	b = e.u16(b, len(r.ZoneIDs))
	for _, z := range r.ZoneIDs {
		b = e.str(b, z)
	}
	b = e.u16(b, len(r.Offerings))
	previous := -1
	for _, o := range r.Offerings {
		if o.TypeIndex <= previous || o.TypeIndex >= types {
			e.fail("an offering of %s out of order", r.Name)
		}
		previous = o.TypeIndex
		b = e.u16(b, o.TypeIndex)
	}
	for _, o := range r.Offerings {
		b = e.u32(b, int(o.OnDemand.MicroUSD))
	}
	for _, o := range r.Offerings {
		b = e.u32(b, int(o.Spot.MicroUSD))
	}
	for _, o := range r.Offerings {
		b = e.u8(b, int(o.ZoneMask))
	}
	for _, o := range r.Offerings {
		b = e.u8(b, int(o.Interruption))
	}
	for _, o := range r.Offerings {
		b = e.u8(b, e.priceSource(o.OnDemand)|e.priceSource(o.Spot)<<4)
	}
	return b
}

// priceSource is four bits; those of an unknown price mean nothing.
func (e *encoder) priceSource(p Price) int {
	if !p.Known() {
		return 0
	}
	n := e.source(p.Source)
	if n > 15 {
		e.fail("more than 16 sources")
	}
	return n
}

func (e *encoder) source(s Source) int {
	for i, known := range e.sources {
		if known == s {
			return i
		}
	}
	e.sources = append(e.sources, s)
	return len(e.sources) - 1
}

func (e *encoder) str(b []byte, s string) []byte {
	n, ok := e.strings[s]
	if !ok {
		if len(e.order) > math.MaxUint16 {
			e.fail("more strings than numbers for them")
		}
		n = uint16(len(e.order))
		e.strings[s] = n
		e.order = append(e.order, s)
	}
	return binary.LittleEndian.AppendUint16(b, n)
}

func (e *encoder) u8(b []byte, n int) []byte {
	e.fits(n, math.MaxUint8)
	return append(b, byte(n))
}

func (e *encoder) u16(b []byte, n int) []byte {
	e.fits(n, math.MaxUint16)
	return binary.LittleEndian.AppendUint16(b, uint16(n))
}

func (e *encoder) u32(b []byte, n int) []byte {
	e.fits(n, math.MaxUint32)
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}

func (e *encoder) fits(n, most int) {
	if n < 0 || n > most {
		e.fail("%d in a field that holds at most %d", n, most)
	}
}

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("catalog file: "+format, args...)
	}
}
