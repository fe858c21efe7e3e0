package sense

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

// period is the time over which use is averaged. A minute would do for a
// person, but agents that call home every few minutes (Systems Manager's does)
// would then keep an instance busy for ever.
const period = 5 * time.Minute

// advance is how far a counter went from one reading to the next. A counter
// that was near the end of 32 or of 64 bits and is near zero now went round;
// one that went back otherwise started afresh, and ok is false: what it counted
// in between is lost.
func advance(before, now uint64) (delta uint64, ok bool) {
	const near32, near64 = math.MaxUint32 / 4 * 3, math.MaxUint64 / 4 * 3
	switch {
	case now >= before:
		return now - before, true
	case before >= near64 && now <= math.MaxUint64/4:
		return now - before, true // unsigned arithmetic goes round with it
	case before >= near32 && before <= math.MaxUint32 && now <= math.MaxUint32/4:
		return now + (math.MaxUint32 + 1 - before), true
	default:
		return 0, false
	}
}

// step is the time from one reading to the next, as the machine's own clock
// counts it: that one neither leaps nor runs while the machine is suspended.
type step struct{ from, to time.Duration }

// within drops the steps that ended before the period and returns the rest
// with the time they span. steps is changed.
func within[T interface{ span() step }](steps []T, now time.Duration) ([]T, time.Duration) {
	first := 0
	for first < len(steps) && steps[first].span().to <= now-period {
		first++
	}
	kept := steps[:copy(steps, steps[first:])]
	if len(kept) == 0 {
		return kept, 0
	}
	return kept, kept[len(kept)-1].span().to - kept[0].span().from
}

// judged is the signal of counters that were read for a time. What could not be
// read, and what was read for the first time, counts as use.
func judged(what string, err error, over time.Duration, judge func() (active bool, detail string)) []core.Signal {
	s := core.Signal{Name: strings.ToLower(what), Active: true, Err: err}
	switch {
	case err != nil:
		s.Detail = what + " unknown"
	case over <= 0:
		s.Detail = what + ": no reading yet"
	default:
		s.Active, s.Detail = judge()
	}
	return []core.Signal{s}
}

// perMinute is an amount in a time, as so much a minute.
func perMinute(amount float64, over time.Duration) float64 { return amount / over.Minutes() }

// file is a file that is read again and again into the same buffer.
type file struct {
	path   string
	enough int // bytes; what comes after them is not needed
	buffer []byte
}

// read reads the beginning of the file. What it returns is valid until the
// next call. It can hang; whoever calls it is bounded (see Activity).
func (f *file) read() (b []byte, err error) {
	if f.buffer == nil {
		f.buffer = make([]byte, f.enough)
	}
	in, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(in, f.buffer)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.path, err)
	}
	return f.buffer[:n], nil
}

// fields splits a line at its spaces into at most len(into) fields without
// allocating, and returns those that there were.
func fields(line []byte, into [][]byte) [][]byte {
	n := 0
	for n < len(into) {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			break
		}
		end := bytes.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		into[n], line = line[:end], line[end:]
		n++
	}
	return into[:n]
}

// number reads an unsigned decimal number of at most 64 bits.
func number(digits []byte) (uint64, error) {
	if len(digits) == 0 {
		return 0, fmt.Errorf("a number is missing")
	}
	var n uint64
	for _, c := range digits {
		d := uint64(c) - '0'
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, fmt.Errorf("%.20q is not a number", digits)
		}
		n = n*10 + d
	}
	return n, nil
}
