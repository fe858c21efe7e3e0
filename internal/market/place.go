package market

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// FirstOf are the names with first at the beginning, if it is one of them.
func FirstOf(first string, names []string) []string {
	sorted := slices.Sorted(slices.Values(names))
	slices.SortStableFunc(sorted, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == first:
			return -1
		case b == first:
			return 1
		}
		return 0
	})
	return sorted
}

// Partition are the catalog's regions that an account of a region can have:
// those of the same partition of AWS.
//
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func Partition(region string) []string {
	return slices.DeleteFunc(catalog.Regions(), func(name string) bool { return PartitionOf(name) != PartitionOf(region) })
}

// PartitionOf is what the names of the regions of a partition of AWS begin with;
// "" for the one that most accounts are in.
func PartitionOf(region string) string {
	for _, prefix := range []string{"us-gov-", "cn-", "us-iso", "eu-isoe-", "eusc-"} {
		if strings.HasPrefix(region, prefix) {
			return prefix
		}
	}
	return ""
}
