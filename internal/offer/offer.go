// Package offer is the contract between truffle, which finds an instance type,
// and spawn, which launches it: one type, one reader, one writer, in JSON.
//
// What comes in is another program's output and is trusted with nothing: it is
// bounded in size and time, and every field that could later reach an API, a
// file or a terminal is checked here. The package decides nothing about
// launching; the order of offers is the finder's order of preference and is
// kept.
package offer

import (
	"slices"
)

// Schema is the version of the contract that Write states. Fields are only ever
// added to it, so readers accept any version.
const Schema = 1

// Offer is one thing that could be launched. What was not found out is nil or
// empty, never zero: a missing price is unknown, not free.
type Offer struct {
	Schema       int    `json:"schema"`
	InstanceType string `json:"instance_type"` // m7i.large; never empty
	Region       string `json:"region"`        // us-east-1; empty leaves it to whoever launches

	// One zone, or several in order of preference. Names such as us-east-1a
	// mean different places in different accounts.
	AvailabilityZone  string   `json:"availability_zone,omitempty"`
	AvailabilityZones []string `json:"availability_zones,omitempty"`

	Architecture string `json:"architecture"` // as EC2 names it: x86_64, arm64, …
	VCPUs        *int   `json:"vcpus"`
	MemoryMiB    *int   `json:"memory_mib"`
	GPUs         *int   `json:"gpus"`
	GPUModel     string `json:"gpu_model"`

	Spot          bool     `json:"spot"`            // launch as a Spot instance
	SpotPrice     *float64 `json:"spot_price"`      // USD per hour
	OnDemandPrice *float64 `json:"on_demand_price"` // USD per hour
	PriceSource   string   `json:"price_source"`    // where the prices come from
	PriceAsOf     string   `json:"price_as_of"`     // a date, or a time in RFC 3339

	ReservationID     string `json:"reservation_id,omitempty"` // cr-…
	ReservationType   string `json:"reservation_type,omitempty"`
	AvailableCapacity *int   `json:"available_capacity,omitempty"` // instances left in the reservation

	HibernationSupported *bool `json:"hibernation_supported"`
}

// WantsSpot tells that the offer is for a Spot instance: it says so, or it had
// the older finder's shape, which Read turns into saying so.
func (o Offer) WantsSpot() bool { return o.Spot }

// Zones are the offer's zones in order of preference, each once; none means
// any zone of the region.
func (o Offer) Zones() []string {
	var zones []string
	for _, z := range append([]string{o.AvailabilityZone}, o.AvailabilityZones...) {
		if z != "" && !slices.Contains(zones, z) {
			zones = append(zones, z)
		}
	}
	return zones
}
