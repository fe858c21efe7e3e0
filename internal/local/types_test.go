package local_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func filters(pairs ...string) []types.Filter {
	var out []types.Filter
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, types.Filter{Name: &pairs[i], Values: strings.Split(pairs[i+1], ",")})
	}
	return out
}

// typeNames are the types that DescribeInstanceTypes finds, over all pages.
func (w *world) typeNames(in *ec2.DescribeInstanceTypesInput) map[string]types.InstanceTypeInfo {
	w.t.Helper()
	found := map[string]types.InstanceTypeInfo{}
	pages := ec2.NewDescribeInstanceTypesPaginator(w.ec2(w.admin()), in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(w.t.Context())
		noError(w.t, err)
		if len(out.InstanceTypes) > 100 {
			w.t.Fatalf("a page of %d types", len(out.InstanceTypes))
		}
		for _, t := range out.InstanceTypes {
			if _, twice := found[string(t.InstanceType)]; twice {
				w.t.Errorf("%s comes twice", t.InstanceType)
			}
			found[string(t.InstanceType)] = t
		}
	}
	return found
}

func TestInstanceTypes(t *testing.T) {
	w := newWorld(t)
	all := w.typeNames(&ec2.DescribeInstanceTypesInput{})
	if len(all) < 800 {
		t.Errorf("only %d types", len(all))
	}
	m := all["m7i.large"]
	if *m.VCpuInfo.DefaultVCpus != 2 || *m.MemoryInfo.SizeInMiB != 8192 || !*m.HibernationSupported || !*m.CurrentGeneration || *m.BareMetal {
		t.Errorf("m7i.large is %+v", m)
	}
	g := all["g5.12xlarge"]
	if gpu := g.GpuInfo.Gpus[0]; *gpu.Count != 4 || *gpu.Manufacturer != "NVIDIA" || *gpu.Name != "A10G" || *gpu.MemoryInfo.SizeInMiB*4 != *g.GpuInfo.TotalGpuMemoryInMiB {
		t.Errorf("the GPUs of g5.12xlarge are %+v", gpu)
	}
	if i := all["inf2.xlarge"]; i.GpuInfo != nil || *i.NeuronInfo.NeuronDevices[0].Name != "Inferentia2" {
		t.Errorf("inf2.xlarge has GPUs %v and Neuron devices %v", i.GpuInfo, i.NeuronInfo)
	}
	for name, i := range all { // what is unknown is absent, never zero
		if i.VCpuInfo != nil && aws.ToInt32(i.VCpuInfo.DefaultVCpus) == 0 || i.MemoryInfo != nil && aws.ToInt64(i.MemoryInfo.SizeInMiB) == 0 {
			t.Errorf("%s has a zero for an unknown number", name)
		}
	}
	arm := w.typeNames(&ec2.DescribeInstanceTypesInput{Filters: filters("instance-type", "m7*.large,c7g.*", "processor-info.supported-architecture", "arm64", "vcpu-info.default-vcpus", "2")})
	if _, found := arm["m7g.large"]; !found || len(arm) < 2 {
		t.Errorf("of two vCPUs on Arm there are %v", arm)
	}
	for name, i := range arm {
		if strings.HasPrefix(name, "m7i") || *i.VCpuInfo.DefaultVCpus != 2 {
			t.Errorf("%s passed", name)
		}
	}
	metal := w.typeNames(&ec2.DescribeInstanceTypesInput{Filters: filters("bare-metal", "true", "hibernation-supported", "true")})
	if len(metal) != 0 {
		t.Errorf("bare metal that hibernates: %v", metal)
	}
	api := w.ec2(w.admin())
	_, err := api.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"m5.large", "m5.giant"}})
	wantCode(t, err, "InvalidInstanceType")
	for _, name := range []string{"tag:a", "no-such-filter"} {
		_, err = api.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{Filters: filters(name, "b")})
		wantCode(t, err, "InvalidParameterValue")
	}
	_, err = api.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(101)})
	wantCode(t, err, "InvalidParameterValue")
}

func TestTypeOfferings(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	at := func(kind types.LocationType) (places []string) {
		out, err := api.DescribeInstanceTypeOfferings(t.Context(), &ec2.DescribeInstanceTypeOfferingsInput{LocationType: kind, Filters: filters("instance-type", "t3.micro")})
		noError(t, err)
		for _, o := range out.InstanceTypeOfferings {
			if o.LocationType != kind && kind != "" {
				t.Errorf("asked for %s, got %s", kind, o.LocationType)
			}
			places = append(places, *o.Location)
		}
		return places
	}
	if got := strings.Join(at(""), " "); got != region {
		t.Errorf("it is in %s", got)
	}
	zones, ids := at(types.LocationTypeAvailabilityZone), at(types.LocationTypeAvailabilityZoneId)
	if len(zones) != 5 || len(ids) != 5 || zones[0] != "us-east-1a" || ids[0] != "use1-az1" {
		t.Errorf("it is in %v and %v", zones, ids)
	}
	// Where it is not offered it cannot be launched, and where it is it can.
	launch := func(zone string) error {
		_, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), Placement: &types.Placement{AvailabilityZone: &zone},
		})
		return err
	}
	noError(t, launch(zones[0]))
	wantCode(t, launch("us-east-1c"), "Unsupported")
	first, err := api.DescribeInstanceTypeOfferings(t.Context(), &ec2.DescribeInstanceTypeOfferingsInput{})
	noError(t, err)
	if len(first.InstanceTypeOfferings) != 1000 || first.NextToken == nil {
		t.Errorf("without a size a page has %d", len(first.InstanceTypeOfferings))
	}
	_, err = api.DescribeInstanceTypeOfferings(t.Context(), &ec2.DescribeInstanceTypeOfferingsInput{LocationType: types.LocationTypeOutpost})
	wantCode(t, err, "InvalidParameterValue")
}

func TestSpotPriceHistory(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	history := func(edit func(*ec2.DescribeSpotPriceHistoryInput)) []types.SpotPrice {
		t.Helper()
		in := &ec2.DescribeSpotPriceHistoryInput{InstanceTypes: []types.InstanceType{"m5.large"}, ProductDescriptions: []string{"Linux/UNIX"}, MaxResults: aws.Int32(3)}
		if edit != nil {
			edit(in)
		}
		var all []types.SpotPrice
		pages := ec2.NewDescribeSpotPriceHistoryPaginator(api, in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			noError(t, err)
			all = append(all, out.SpotPriceHistory...)
		}
		return all
	}
	all := history(nil)
	if len(all) != 10 || *all[0].SpotPrice != "0.031680" {
		t.Fatalf("two entries in five zones are %d: %+v", len(all), all)
	}
	newest, oldest := *all[0].Timestamp, *all[9].Timestamp
	if oldest.Format(time.DateOnly) != "2025-05-28" || w.clock.Now().Sub(newest) > time.Hour {
		t.Errorf("they are of %s and %s", newest, oldest)
	}
	// The last price before the start is in force at the start.
	if now := history(func(in *ec2.DescribeSpotPriceHistoryInput) { in.StartTime = aws.Time(w.clock.Now()) }); len(now) != 5 || !now[0].Timestamp.Equal(newest) {
		t.Errorf("now there are %+v", now)
	}
	then := history(func(in *ec2.DescribeSpotPriceHistoryInput) {
		in.StartTime, in.EndTime = aws.Time(oldest.Add(time.Hour)), aws.Time(oldest.Add(2*time.Hour))
	})
	if len(then) != 5 || !then[0].Timestamp.Equal(oldest) {
		t.Errorf("then there were %+v", then)
	}
	if one := history(func(in *ec2.DescribeSpotPriceHistoryInput) { in.AvailabilityZone = aws.String("us-east-1b") }); len(one) != 2 || *one[0].AvailabilityZone != "us-east-1b" {
		t.Errorf("in one zone there are %+v", one)
	}
	if windows := history(func(in *ec2.DescribeSpotPriceHistoryInput) { in.ProductDescriptions = []string{"Windows"} }); len(windows) != 0 {
		t.Errorf("for Windows there are %+v", windows)
	}
	_, err := api.DescribeSpotPriceHistory(t.Context(), &ec2.DescribeSpotPriceHistoryInput{AvailabilityZone: aws.String("us-east-1a"), AvailabilityZoneId: aws.String("use1-az1")})
	wantCode(t, err, "InvalidParameterCombination")
}

func TestSpotPlacementScores(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	scores := func(capacity int32, zones bool, names ...string) []types.SpotPlacementScore {
		t.Helper()
		out, err := api.GetSpotPlacementScores(t.Context(), &ec2.GetSpotPlacementScoresInput{
			InstanceTypes: names, TargetCapacity: &capacity, SingleAvailabilityZone: &zones, RegionNames: []string{"us-east-1", "eu-west-1"},
		})
		noError(t, err)
		return out.SpotPlacementScores
	}
	many := scores(1, false, "m5.large", "m6i.large", "t3.micro", "c5.large")
	if len(many) != 2 || *many[0].Score < *many[1].Score || *many[0].Score <= 3 {
		t.Errorf("two regions score %+v", many)
	}
	if few := scores(1, false, "t3.micro", "t3.micro", "t3.micro"); *few[0].Score > 3 {
		t.Errorf("one type scores %d", *few[0].Score)
	}
	if big := scores(1_000_000, false, "m5.large", "m6i.large", "t3.micro"); *big[0].Score >= *many[0].Score {
		t.Errorf("a million instances score %d", *big[0].Score)
	}
	zones := scores(1, true, "m5.large", "m6i.large", "t3.micro")
	if len(zones) < 6 || zones[0].AvailabilityZoneId == nil {
		t.Errorf("the zones score %+v", zones)
	}
	_, err := api.GetSpotPlacementScores(t.Context(), &ec2.GetSpotPlacementScoresInput{TargetCapacity: aws.Int32(1), InstanceTypes: []string{"m5.large"}, RegionNames: make([]string, 11)})
	wantCode(t, err, "InvalidParameterValue")
}

func TestCapacityBlockOfferings(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	ask := func(name string, hours int32) ([]types.CapacityBlockOffering, error) {
		out, err := api.DescribeCapacityBlockOfferings(t.Context(), &ec2.DescribeCapacityBlockOfferingsInput{
			InstanceType: &name, InstanceCount: aws.Int32(2), CapacityDurationHours: &hours,
		})
		if err != nil {
			return nil, err
		}
		return out.CapacityBlockOfferings, nil
	}
	found, err := ask("p5.48xlarge", 48)
	noError(t, err)
	again, err := ask("p5.48xlarge", 48)
	noError(t, err)
	o := found[0]
	if *o.CapacityBlockOfferingId != *again[0].CapacityBlockOfferingId || o.EndDate.Sub(*o.StartDate) != 48*time.Hour || !o.StartDate.After(w.clock.Now()) ||
		*o.UpfrontFee != "5283.840000" || *o.CurrencyCode != "USD" {
		t.Errorf("offered is %+v, of %s", o, *o.UpfrontFee)
	}
	for _, hours := range []int32{0, 25, 15 * 24, 27 * 7 * 24} {
		_, err := ask("p5.48xlarge", hours)
		wantCode(t, err, "InvalidParameterValue")
	}
	_, err = ask("m5.large", 24)
	wantCode(t, err, "InvalidParameterValue")
}
