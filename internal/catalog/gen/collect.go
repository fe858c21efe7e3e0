package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// collect reads all sources and joins them.
func collect(ctx context.Context) (catalog.Contents, error) {
	instances, err := instancesInfo.fetch(ctx)
	if err != nil {
		return catalog.Contents{}, err
	}
	all, err := readInstances(instances.dir)
	if err != nil {
		return catalog.Contents{}, err
	}
	j := joiner{
		listedSource: catalog.Source{Name: "ec2instances.info, in cristim/ec2-instances-info", AsOf: instances.day},
		types:        map[string]catalog.Type{},
		regions:      map[string]*regionBuilder{},
	}
	if err := j.addListed(all); err != nil {
		return catalog.Contents{}, err
	}
	j.rememberBasePrices()
	if err := j.addKarpenter(ctx); err != nil {
		return catalog.Contents{}, err
	}
	if err := j.addNames(ctx); err != nil {
		return catalog.Contents{}, err
	}
	return j.contents()
}

// joiner puts together what the sources say. Sources are added from the most to
// the least detailed; a later one adds what is missing and replaces prices that
// are older than its own.
type joiner struct {
	listedSource catalog.Source
	types        map[string]catalog.Type
	regions      map[string]*regionBuilder
	basePrices   map[string]int64 // of the instances file, in the base region
}

type regionBuilder struct {
	zones     map[string]bool
	offerings map[string]*offeringBuilder
	complete  bool // a price list newer than the instances file covers the region
}

type offeringBuilder struct {
	catalog.OfferingContents
	zones []string
}

func (j *joiner) region(name string) *regionBuilder {
	if j.regions[name] == nil {
		j.regions[name] = &regionBuilder{offerings: map[string]*offeringBuilder{}}
	}
	return j.regions[name]
}

func (r *regionBuilder) offering(typeName string) *offeringBuilder {
	if r.offerings[typeName] == nil {
		r.offerings[typeName] = &offeringBuilder{}
	}
	return r.offerings[typeName]
}

// addListed takes the types, zones and prices of the instances file.
func (j *joiner) addListed(all []listed) error {
	var types []catalog.Type
	for _, l := range all {
		t, err := l.typ(j.listedSource)
		if err != nil {
			return err
		}
		j.types[l.Name] = t
		types = append(types, t)
		if err := j.addOfferings(l); err != nil {
			return err
		}
	}
	return checkRules(types)
}

func (j *joiner) addOfferings(l listed) error {
	for name, zones := range l.Zones {
		r := j.region(name)
		r.offering(l.Name).zones = zones
		for _, z := range zones {
			r.zones = with(r.zones, z)
		}
	}
	for name, p := range l.Pricing {
		if !regionPattern.MatchString(name) || p.Linux.OnDemand == "" {
			continue
		}
		o := j.region(name).offering(l.Name)
		onDemand, err := microUSD(p.Linux.OnDemand)
		if err != nil {
			return fmt.Errorf("%s in %s: %w", l.Name, name, err)
		}
		spot, err := microUSD(p.Linux.Spot)
		if err != nil {
			return fmt.Errorf("spot price of %s in %s: %w", l.Name, name, err)
		}
		o.OnDemand = catalog.Price{MicroUSD: onDemand, Source: j.listedSource}
		o.Spot = catalog.Price{MicroUSD: spot, Source: j.listedSource}
		if o.Interruption, err = interruption(p.Linux.Interruption); err != nil {
			return fmt.Errorf("%s in %s: %w", l.Name, name, err)
		}
	}
	return nil
}

// addKarpenter takes newer prices, the types that only they know, and network
// bandwidth.
func (j *joiner) addKarpenter(ctx context.Context) error {
	k, err := karpenter.fetch(ctx)
	if err != nil {
		return err
	}
	bandwidth, err := readBandwidth(k.dir)
	if err != nil {
		return err
	}
	for file, variable := range map[string]string{
		"zz_generated.pricing_aws.go":        "InitialOnDemandPricesAWS",
		"zz_generated.pricing_aws_us_gov.go": "InitialOnDemandPricesUSGov",
	} {
		list, err := readPrices(karpenter, k.dir, file, variable)
		if err != nil {
			return err
		}
		for region, prices := range list.prices {
			j.region(region).complete = true
			for name, micro := range prices {
				j.addType(name, list.source)
				j.region(region).offering(name).OnDemand = catalog.Price{MicroUSD: micro, Source: list.source}
			}
		}
	}
	for name, mbps := range bandwidth {
		if t, ok := j.types[name]; ok {
			t.NetworkMbps = mbps
			j.types[name] = t
		}
	}
	return nil
}

// addNames adds the types of which nobody told more than the name.
func (j *joiner) addNames(ctx context.Context) error {
	s, err := sdk.fetch(ctx)
	if err != nil {
		return err
	}
	names, err := typeNames(s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		j.addType(name, catalog.Source{Name: "type names in aws-sdk-go-v2/service/ec2 " + sdk.version, AsOf: s.day})
	}
	return nil
}

// addType adds a type that the instances file does not have: reviewed, derived
// from its name, or as a name alone. The source is where the name came from.
func (j *joiner) addType(name string, source catalog.Source) {
	if existing, ok := j.types[name]; ok {
		// The price lists come in no order; the older source is kept, so that
		// the result does not depend on it.
		if existing.Origin == catalog.Listed || existing.Source.AsOf <= source.AsOf {
			return
		}
	}
	t, ok := reviewedType(name)
	if !ok {
		t, ok = derive(name)
	}
	if !ok {
		t = catalog.Type{
			Name:          name,
			Architectures: namedArchitectures[name],
			BareMetal:     strings.Contains(name, ".metal"),
			Origin:        catalog.NameOnly,
		}
	}
	t.Source = source
	j.types[name] = t
}

// contents puts everything in order.
func (j *joiner) contents() (catalog.Contents, error) {
	ratios := j.ratios()
	var c catalog.Contents
	index := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(j.types)) {
		t := j.types[name]
		t.Burstable = strings.HasPrefix(name, "t") && !strings.HasPrefix(name, "trn")
		t.Hibernation = hibernation(t)
		index[name] = len(c.Types)
		c.Types = append(c.Types, t)
	}
	for _, name := range slices.Sorted(maps.Keys(j.regions)) {
		r := j.regions[name]
		ids, err := zoneIDs(name, r.zones)
		if err != nil {
			return c, err
		}
		rc := catalog.RegionContents{Name: name, ZoneIDs: ids, RatioPPM: ratios[name]}
		for _, typeName := range slices.Sorted(maps.Keys(r.offerings)) {
			o := r.offerings[typeName]
			o.TypeIndex = index[typeName]
			for _, z := range o.zones {
				o.ZoneMask |= 1 << slices.Index(ids, z)
			}
			rc.Offerings = append(rc.Offerings, o.OfferingContents)
		}
		c.Regions = append(c.Regions, rc)
	}
	return c, nil
}
