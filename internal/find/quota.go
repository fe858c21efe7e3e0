package find

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

// Quota is how many vCPUs of a type's class the account may run at once in a
// region.
type Quota struct {
	Known bool   // EC2 told it
	Name  string // as Service Quotas calls it
	VCPUs int
	Fit   *int // how many instances of the type that is, if nothing else runs; nil is unknown, as the type's vCPUs are
}

// quotas are those of a row, On-Demand and Spot.
func (k Known) quotas(r Row) (onDemand, spot Quota) {
	fact, err := told(k, r.Region, func(live market.Region) market.Fact[[]market.Quota] { return live.Quotas })
	if err != nil {
		return Quota{}, Quota{}
	}
	return QuotaOf(fact.Value, r.Type, false), QuotaOf(fact.Value, r.Type, true)
}

// QuotaOf finds the quota that holds a type, by the words with which AWS names
// quotas: "Running On-Demand G and VT instances". A class is named by the letters
// with which families begin, in full (Inf) or by the first of them (G, and so
// gr). Macs are counted by hosts.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits
func QuotaOf(quotas []market.Quota, t catalog.Type, spot bool) Quota {
	family := t.Family()
	letters := family[:len(family)-len(strings.TrimLeft(family, "abcdefghijklmnopqrstuvwxyz"))]
	if letters == "" || letters == "mac" {
		return Quota{}
	}
	names := []string{letters}
	if !slices.Contains([]string{"dl", "hpc", "inf", "trn", "vt"}, letters) { // these have their own
		names = append(names, letters[:1])
	}
	for _, named := range names {
		for _, q := range quotas {
			if q.Spot == spot && slices.Contains(classes(q.Name), named) {
				quota := Quota{Known: true, Name: q.Name, VCPUs: q.VCPUs}
				if t.VCPUs > 0 {
					fit := q.VCPUs / t.VCPUs
					quota.Fit = &fit
				}
				return quota
			}
		}
	}
	return Quota{}
}

// classes are the letters in a quota's name.
func classes(name string) []string {
	for _, frame := range []string{"Running On-Demand ", "All ", " instances", " Spot Instance Requests"} {
		name = strings.TrimSuffix(strings.TrimPrefix(name, frame), frame)
	}
	if name == "High Memory" {
		return []string{"u"}
	}
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" (),", r) })
}
