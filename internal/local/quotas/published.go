package quotas

import (
	"slices"
	"strings"
)

// quota is a number of vCPUs that may run at once in a region.
type quota struct {
	code     string
	name     string
	class    string // as CloudWatch names its usage; empty where no source tells
	families string // the families of types that it holds, as their names begin
	spot     bool   // it holds Spot Instances, not On-Demand ones
	vcpus    float64
}

// standard are the families that share one quota. A family's name begins with
// its letters, and a digit follows.
const standard = "a c d h i im is m r t z"

// published are EC2's vCPU quotas and what they are in a new account, sorted by
// code. There is no Spot quota of its own for high memory and HPC instances.
//
// On-Demand: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits
// Spot: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html
func published() []quota {
	all := []quota{
		{"L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "Standard/OnDemand", standard, false, 5},
		{"L-DB2E81BA", "Running On-Demand G and VT instances", "G/OnDemand", "g gr vt", false, 0},
		{"L-417A185B", "Running On-Demand P instances", "P/OnDemand", "p", false, 0},
		{"L-74FC7D96", "Running On-Demand F instances", "F/OnDemand", "f", false, 0},
		{"L-7295265B", "Running On-Demand X instances", "X/OnDemand", "x", false, 0},
		{"L-1945791B", "Running On-Demand Inf instances", "Inf/OnDemand", "inf", false, 0},
		{"L-2C3B7624", "Running On-Demand Trn instances", "", "trn", false, 0},
		{"L-6E869C2A", "Running On-Demand DL instances", "", "dl", false, 0},
		{"L-43DA4232", "Running On-Demand High Memory instances", "", "u", false, 0},
		{"L-F7808C92", "Running On-Demand HPC instances", "", "hpc", false, 0},
		{"L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", "Standard/Spot", standard, true, 5},
		{"L-3819A6DF", "All G and VT Spot Instance Requests", "G/Spot", "g gr vt", true, 0},
		{"L-7212CCBC", "All P Spot Instance Requests", "P/Spot", "p", true, 0},
		{"L-88CF9481", "All F Spot Instance Requests", "F/Spot", "f", true, 0},
		{"L-E3A00192", "All X Spot Instance Requests", "X/Spot", "x", true, 0},
		{"L-B5D1601B", "All Inf Spot Instance Requests", "Inf/Spot", "inf", true, 0},
		{"L-6B0D517C", "All Trn Spot Instance Requests", "", "trn", true, 0},
		{"L-85EED4F7", "All DL Spot Instance Requests", "", "dl", true, 0},
	}
	slices.SortFunc(all, func(a, b quota) int { return strings.Compare(a.code, b.code) })
	return all
}

func find(code string) (quota, bool) {
	all := published()
	i := slices.IndexFunc(all, func(q quota) bool { return q.code == code })
	if i < 0 {
		return quota{}, false
	}
	return all[i], true
}

// Known tells whether there is a quota with a code.
func Known(code string) bool {
	_, known := find(code)
	return known
}

// Code is the quota that holds instances of a type, such as m7i.large; false for
// one that none is known to hold: Macs, which are counted by hosts, high memory and
// HPC instances of the Spot market, and a few types of the first generation.
//
// Which families share a quota: the pages that published cites.
func Code(instanceType string, spot bool) (string, bool) {
	family, _, _ := strings.Cut(instanceType, ".")
	letters := family
	if end := strings.IndexAny(family, "0123456789-"); end >= 0 {
		letters = family[:end]
	}
	for _, q := range published() {
		if q.spot == spot && slices.Contains(strings.Fields(q.families), letters) {
			return q.code, true
		}
	}
	return "", false
}
