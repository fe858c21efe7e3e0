package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// regionPattern matches regions; Local Zones and Wavelength Zones, which the
// instances file mixes with them, have longer names.
var regionPattern = regexp.MustCompile(`^([a-z]{2})(-gov)?-([a-z]+)-([0-9])$`)

// zonePrefix is how the IDs of a region's zones begin: use1 for us-east-1,
// apse2 for ap-southeast-2, usgw1 for us-gov-west-1.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
func zonePrefix(region string) (string, error) {
	m := regionPattern.FindStringSubmatch(region)
	if m == nil {
		return "", fmt.Errorf("%s is not the name of a region", region)
	}
	var direction strings.Builder
	for rest := m[3]; rest != ""; {
		i := slices.IndexFunc([]string{"north", "south", "east", "west", "central"}, func(d string) bool { return strings.HasPrefix(rest, d) })
		if i < 0 {
			return "", fmt.Errorf("where %s lies is unclear", region)
		}
		d := []string{"north", "south", "east", "west", "central"}[i]
		direction.WriteByte(d[0])
		rest = rest[len(d):]
	}
	government := ""
	if m[2] != "" {
		government = "g"
	}
	return m[1] + government + direction.String() + m[4], nil
}

// zoneIDs are the zones of a region: those the source lists, whose IDs must be
// named as documented, or else the three that every region has.
func zoneIDs(region string, listed map[string]bool) ([]string, error) {
	prefix, err := zonePrefix(region)
	if err != nil {
		return nil, err
	}
	if len(listed) == 0 {
		for n := 1; n <= 3; n++ {
			listed = with(listed, prefix+"-az"+strconv.Itoa(n))
		}
	}
	var ids []string
	for id := range listed {
		if !regexp.MustCompile("^" + prefix + "-az[1-9]$").MatchString(id) {
			return nil, fmt.Errorf("zone %s of %s is named in a new way", id, region)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

func with(set map[string]bool, key string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	set[key] = true
	return set
}
