package find

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// regionOf finds the region that AWS names after a city, state or country, as
// places has it; "" for a place that no region, or more than one, is named
// after.
func regionOf(place string) string {
	for region, name := range places() {
		_, in, _ := strings.Cut(strings.ToLower(strings.TrimSuffix(name, ")")), "(")
		if slices.Contains([]string{in, strings.TrimPrefix(in, "n. "), strings.ReplaceAll(in, "ã", "a")}, place) &&
			!slices.Contains([]string{"central", "us-east", "us-west"}, in) {
			return region
		}
	}
	if place == "mexico" {
		return "mx-central-1" // whose name is "Central"
	}
	return ""
}

// place reads a region by its name or that of its place.
func (r *wordReader) place() bool {
	from := r.at
	r.next("in", "at", "near")
	if r.next("all regions", "every region", "any region", "everywhere", "anywhere") {
		r.region("all")
		return true
	}
	if r.at < len(r.words) && slices.Contains(catalog.Regions(), r.words[r.at]) {
		r.region(r.words[r.at])
		r.at++
		return true
	}
	for _, n := range []int{2, 1} { // words: tel aviv, frankfurt
		if r.at+n > len(r.words) {
			continue
		}
		if region := regionOf(strings.Join(r.words[r.at:r.at+n], " ")); region != "" {
			r.region(region)
			r.at += n
			return true
		}
	}
	r.at = from
	return false
}

func (r *wordReader) region(name string) {
	if !slices.Contains(r.Regions, name) {
		r.Regions = append(r.Regions, name)
	}
}
