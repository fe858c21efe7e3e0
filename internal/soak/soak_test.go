package soak_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "the `seed` of the day; 0 draws one")
	roundsFlag = flag.Int("rounds", 0, "how many `rounds` the day has; 0 is a sample")
)

// sample is a short day that "make test" has time for.
const (
	sampleRounds = 30
	sampleDay    = 3 * time.Hour
	wholeDay     = 24 * time.Hour
)

// TestSampleOfADay lives a short day that is always the same, as far as what
// happens at once can be, and one that never is.
func TestSampleOfADay(t *testing.T) {
	if *roundsFlag > 0 {
		t.Skip("the whole day was asked for")
	}
	seeds := []uint64{1, rand.Uint64() >> 32}
	if *seedFlag != 0 {
		seeds = []uint64{*seedFlag}
	}
	for _, seed := range seeds {
		soak(t, seed, draw(seed, sampleRounds, sampleDay))
	}
}

// TestDay is make soak.
func TestDay(t *testing.T) {
	if *roundsFlag == 0 {
		t.Skip("it takes minutes: make soak")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64() >> 32
	}
	soak(t, seed, draw(seed, *roundsFlag, wholeDay))
}

// soak lives a day, and fails with a short list of what leads to a violation.
func soak(t *testing.T, seed uint64, rounds []round) {
	t.Helper()
	fmt.Printf("soak: seed %d, %d rounds; again: go test ./internal/soak -seed %d -rounds %d\n", seed, len(rounds), seed, *roundsFlag)
	r := live(t, seed, rounds)
	t.Logf("seed %d: %d violations\n%s  in %s: %.1f simulated hours a minute", seed, len(r.violations), r.figures, r.took.Round(time.Millisecond), r.simulated.Hours()/r.took.Minutes())
	if r.broken != nil {
		t.Fatalf("seed %d, round %d of %d: the day could not be lived: %v", seed, r.at, len(rounds), r.broken)
	}
	if len(r.violations) == 0 {
		return
	}
	t.Errorf("seed %d, round %d of %d:\n%s\nThat round:\n%s", seed, r.at, len(rounds), strings.Join(r.violations, "\n"), rounds[min(r.at, len(rounds)-1)])
	led := shrink(t, seed, rounds[:min(r.at+1, len(rounds))], time.Now().Add(shrinkFor))
	var steps strings.Builder
	for i, one := range led {
		fmt.Fprintf(&steps, " round %d\n%s", i, one)
	}
	t.Errorf("a shorter way that led to a violation, too, when it was tried:\n%s", steps.String())
}

// shrinkFor is how long a shorter way is looked for.
const shrinkFor = 90 * time.Second

// shrink leaves out rounds as long as what is left still leads to a violation.
// Fewer than half of them at once are left out in the end, then single ones.
func shrink(t *testing.T, seed uint64, rounds []round, until time.Time) []round {
	t.Helper()
	for size := len(rounds) / 2; size > 0; size /= 2 {
		for at := 0; at < len(rounds) && time.Now().Before(until); {
			fewer := slices.Concat(rounds[:at], rounds[min(at+size, len(rounds)):])
			if r := live(t, seed, fewer); len(r.violations) > 0 {
				rounds = fewer[:min(r.at+1, len(fewer))]
			} else {
				at += size
			}
		}
	}
	return rounds
}
