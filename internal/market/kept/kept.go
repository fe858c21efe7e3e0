// Package kept keeps EC2's answers on disk for a while. A fact that is read from
// there says so, and when it was told.
package kept

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/market"
)

// Answers are those on disk: a file for each region and set of types, and one
// for the list of regions. They are hints for speed; a file that is damaged, or
// of another version, counts as none.
type Answers struct {
	dir   string
	owner string // in the files' names
	now   func() time.Time
}

// New are the answers in a folder that were given to an identity: whatever
// tells one account and cloud from others. The folder need not exist.
func New(dir, identity string, now func() time.Time) Answers {
	return Answers{dir: dir, owner: digest(identity), now: now}
}

// The bounds of the folder.
const (
	keptVersion = 1
	keptFor     = 30 * 24 * time.Hour // from the last writing
	keptFiles   = 600                 // twenty questions in every region
)

// fresh is for how long a fact is as good as a new one.
func fresh(f market.Facet) time.Duration {
	switch f {
	case market.Types, market.Zones, market.OnDemand:
		return 24 * time.Hour
	case market.Spot, market.History, market.Scores:
		return 10 * time.Minute
	case market.Quotas:
		return time.Hour
	default: // what others may take meanwhile
		return time.Minute
	}
}

// Read answers a question from what is kept: only what is still fresh, or, with
// anyAge, whatever there is. Regions of which nothing is known are left out.
func (k Answers) Read(q market.Question, anyAge bool) market.Survey {
	s := market.Survey{Question: q}
	names := q.Regions
	if len(names) == 0 {
		s.Enabled = k.enabled(q, anyAge)
		names = s.Enabled.Value
		if !s.Enabled.Known() {
			names = market.Partition(q.First)
		}
		names = market.FirstOf(q.First, names)
	}
	for _, name := range names {
		if r, ok := k.region(q, name, anyAge); ok {
			s.Regions = append(s.Regions, r)
		}
	}
	return s
}

// Write keeps what a survey found out. Facts that are kept already stay as old
// as they are.
func (k Answers) Write(s market.Survey) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return fmt.Errorf("keep EC2's answers: %w", err)
	}
	var failures []error
	if s.Enabled.Known() && !s.Enabled.Kept {
		failures = append(failures, k.put(k.regionsFile(s.Question), keptRegions{keptVersion, s.Enabled.AsOf, s.Enabled.Value}))
	}
	for _, r := range s.Regions {
		if hasNews(r) {
			failures = append(failures, k.put(k.regionFile(s.Question, r.Name), k.merged(s.Question, r)))
		}
	}
	if err := errors.Join(append(failures, k.tidy())...); err != nil {
		return fmt.Errorf("keep EC2's answers: %w", err)
	}
	return nil
}

// merged is a region's answer with the facts that an earlier one had and this
// one does not.
func (k Answers) merged(q market.Question, r market.Region) keptRegion {
	if old, ok := k.region(q, r.Name, true); ok {
		r = with(r, old)
	}
	return toKeep(r, q.Since)
}

func (k Answers) enabled(q market.Question, anyAge bool) market.Fact[[]string] {
	var f keptRegions
	if !k.get(k.regionsFile(q), &f) || f.Version != keptVersion || !anyAge && !k.young(f.AsOf, market.Types) {
		return market.Fact[[]string]{}
	}
	return market.Fact[[]string]{Value: f.Names, AsOf: f.AsOf, Kept: true}
}

func (k Answers) region(q market.Question, name string, anyAge bool) (market.Region, bool) {
	var f keptRegion
	if !k.get(k.regionFile(q, name), &f) || f.Version != keptVersion {
		return market.Region{}, false
	}
	r := f.region(name, q.Since)
	if !anyAge {
		for facet, fact := range r.Facts() {
			if asOf, _, _ := fact.Told(); !k.young(asOf, facet) {
				fact.Fail(nil)
			}
		}
	}
	return r, r.Facets() != 0
}

// young tells whether a fact is fresh. One from the future is not: the clock
// was wrong then or is now.
func (k Answers) young(asOf time.Time, f market.Facet) bool {
	age := k.now().Sub(asOf)
	return age >= 0 && age < fresh(f)
}

func (k Answers) regionsFile(q market.Question) string {
	return filepath.Join(k.dir, k.owner+"-regions"+market.PartitionOf(q.First)+".json")
}

// regionFile is where a region's facts about a set of types are. Facets are not
// in the name: they are asked again one by one.
func (k Answers) regionFile(q market.Question, region string) string {
	about := strings.Join(slices.Sorted(slices.Values(q.Types)), ",") + " " + strings.Join(slices.Sorted(slices.Values(q.Wildcards)), ",")
	return filepath.Join(k.dir, k.owner+"-"+region+"-"+digest(about)+".json")
}

// hasNews tells that a fact was told now.
func hasNews(r market.Region) bool {
	for _, fact := range r.Facts() {
		if _, kept, _ := fact.Told(); fact.Known() && !kept {
			return true
		}
	}
	return false
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// get reads a file; false when there is none that can be used.
func (k Answers) get(path string, into any) bool {
	text, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(text, into) == nil
}

// put writes a file so that a reader sees the old one or the new one.
func (k Answers) put(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return files.WriteWhole(path, text, 0o600)
}

// tidy removes files that are old, and the oldest of too many.
func (k Answers) tidy() error {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() { // else another one tidied it away
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var failures []error
	for i, f := range files {
		if i < keptFiles && k.now().Sub(f.ModTime()) < keptFor {
			continue
		}
		if err := os.Remove(filepath.Join(k.dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
