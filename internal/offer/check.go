package offer

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// What a field may look like. The patterns are those of the names EC2 uses
// today with room to grow; what they exist for is to let nothing through that a
// shell, a path, a terminal or a request would read as something else.
// No length is part of a pattern: that would make it slow to compile.
var (
	typePattern        = compiled(`^[a-z0-9-]+\.[a-z0-9-]+$`)
	regionPattern      = compiled(`^[a-z]+(-[a-z]+)+-[0-9]+$`)
	reservationPattern = compiled(`^cr-[0-9a-f]+$`)
	wordPattern        = compiled(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	// after the region: the letter of a zone, or the rest of a Local Zone's or
	// Wavelength Zone's name. https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
	zoneSuffixPattern = compiled(`^([a-z]|(-[a-z0-9]+)+-[0-9]+[a-z]?)$`)

	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ProcessorInfo.html
	architectures = []string{"i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"}
)

// compiled is a pattern that is compiled when it is first used: most starts of a
// program check nothing.
func compiled(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

const (
	maxName      = 80 // bytes of a name of something
	maxZones     = 64
	maxText      = 200     // bytes of a free text
	maxCount     = 1 << 20 // vCPUs, GPUs, instances: far beyond any
	maxMemoryMiB = 1 << 30 // a pebibyte
	maxPrice     = 1e6     // USD per hour
)

// check tells what is wrong with o, if anything.
func check(o Offer) error {
	if o.InstanceType == "" {
		return fmt.Errorf("it has no instance_type")
	}
	if !named(typePattern, o.InstanceType) {
		return fmt.Errorf("instance_type %.60q is not the name of an instance type", o.InstanceType)
	}
	if o.Region != "" && !named(regionPattern, o.Region) {
		return fmt.Errorf("region %.60q is not the name of a region", o.Region)
	}
	if err := checkZones(o); err != nil {
		return err
	}
	if o.Architecture != "" && !slices.Contains(architectures, o.Architecture) {
		return fmt.Errorf("architecture %.60q is unknown", o.Architecture)
	}
	if err := checkNumbers(o); err != nil {
		return err
	}
	return checkTexts(o)
}

func checkZones(o Offer) error {
	if len(o.AvailabilityZones) > maxZones {
		return fmt.Errorf("it has %d availability_zones", len(o.AvailabilityZones))
	}
	for _, zone := range o.Zones() {
		suffix, inside := strings.CutPrefix(zone, o.Region)
		if o.Region == "" || !inside || !named(zoneSuffixPattern, suffix) {
			return fmt.Errorf("zone %.60q is not in region %q", zone, o.Region)
		}
	}
	return nil
}

func checkNumbers(o Offer) error {
	counts := []struct {
		field string
		value *int
		most  int
	}{
		{"vcpus", o.VCPUs, maxCount},
		{"memory_mib", o.MemoryMiB, maxMemoryMiB},
		{"gpus", o.GPUs, maxCount},
		{"available_capacity", o.AvailableCapacity, maxCount},
		{"schema", &o.Schema, maxCount},
	}
	for _, c := range counts {
		if c.value != nil && (*c.value < 0 || *c.value > c.most) {
			return fmt.Errorf("%s cannot be %d", c.field, *c.value)
		}
	}
	prices := []struct {
		field string
		value *float64
	}{
		{"spot_price", o.SpotPrice},
		{"on_demand_price", o.OnDemandPrice},
	}
	for _, p := range prices {
		if p.value != nil && (math.IsNaN(*p.value) || *p.value < 0 || *p.value > maxPrice) {
			return fmt.Errorf("%s cannot be %g USD per hour", p.field, *p.value)
		}
	}
	return nil
}

func checkTexts(o Offer) error {
	if o.ReservationID != "" && !named(reservationPattern, o.ReservationID) {
		return fmt.Errorf("reservation_id %.60q is not the id of a capacity reservation", o.ReservationID)
	}
	if o.ReservationType != "" && !named(wordPattern, o.ReservationType) {
		return fmt.Errorf("reservation_type %.60q is unknown", o.ReservationType)
	}
	for field, text := range map[string]string{"gpu_model": o.GPUModel, "price_source": o.PriceSource} {
		if len(text) > maxText || strings.ContainsFunc(text, notPrintable) {
			return fmt.Errorf("%s is not a short printable text", field)
		}
	}
	if o.PriceAsOf != "" && !isDate(o.PriceAsOf) {
		return fmt.Errorf("price_as_of %.60q is not a date", o.PriceAsOf)
	}
	return nil
}

// named tells that s could be a name of that pattern.
func named(pattern func() *regexp.Regexp, s string) bool {
	return len(s) <= maxName && pattern().MatchString(s)
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }
