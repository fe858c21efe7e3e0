package offer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spawn-ec2/spawn/internal/problem"
	"pgregory.net/rapid"
)

func ptr[T any](v T) *T { return &v }

func TestReadShapes(t *testing.T) {
	const a, b = `{"instance_type":"m7i.large","region":"us-east-1"}`, `{"instance_type":"t3.micro","some_new_field":{"x":[1]}}`
	tests := map[string]struct {
		text string
		want []string
	}{
		"one object":         {a, []string{"m7i.large"}},
		"array":              {"[" + a + ",\n " + b + "]", []string{"m7i.large", "t3.micro"}},
		"one a line":         {b + "\n" + a + "\n", []string{"t3.micro", "m7i.large"}},
		"printed prettily":   {"{\n  \"instance_type\": \"t3.micro\"\n}\n{\n  \"instance_type\": \"m7i.large\"\n}", []string{"t3.micro", "m7i.large"}},
		"two arrays":         {"[" + a + "]\n[" + b + "]", []string{"m7i.large", "t3.micro"}},
		"an empty array too": {"[]" + a, []string{"m7i.large"}},
		"byte order mark":    {"\xef\xbb\xbf" + a + "\r\n", []string{"m7i.large"}},
	}
	for name, tt := range tests {
		offers, err := Read(strings.NewReader(tt.text))
		var got []string
		for _, o := range offers {
			got = append(got, o.InstanceType)
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	with := func(fields string) string {
		return `{"instance_type":"m7i.large","region":"us-east-1",` + fields + `}`
	}
	tests := map[string]struct {
		text string
		kind problem.Kind
	}{
		"nothing":               {"", problem.NotFound},
		"only space":            {" \n\t", problem.NotFound},
		"empty array":           {"[]", problem.NotFound},
		"a table":               {"TYPE       vCPU  MEMORY\nm7i.large  2     8 GiB\n", problem.Usage},
		"a web page":            {"<!DOCTYPE html><html>", problem.Usage},
		"cut off":               {`[{"instance_type":"m7i.large"`, problem.Usage},
		"broken":                {`{"instance_type":}`, problem.Usage},
		"rest after an offer":   {`{"instance_type":"m7i.large"} done`, problem.Usage},
		"null":                  {`[null]`, problem.Usage},
		"nested array":          {`[[{"instance_type":"m7i.large"}]]`, problem.Usage},
		"a number":              {`[1]`, problem.Usage},
		"no type":               {`{"region":"us-east-1"}`, problem.Usage},
		"wrong kind of value":   {with(`"vcpus":"two"`), problem.Usage},
		"hostile type":          {`{"instance_type":"m7i.large;poweroff"}`, problem.Usage},
		"type with newline":     {`{"instance_type":"m7i.large\n"}`, problem.Usage},
		"type as path":          {`{"instance_type":"../../etc/passwd"}`, problem.Usage},
		"hostile region":        {`{"instance_type":"m7i.large","region":"evil.example.com/#"}`, problem.Usage},
		"zone elsewhere":        {with(`"availability_zone":"eu-west-1a"`), problem.Usage},
		"zone is the region":    {with(`"availability_zone":"us-east-1"`), problem.Usage},
		"one zone elsewhere":    {with(`"availability_zones":["us-east-1a","us-west-2a"]`), problem.Usage},
		"zone without region":   {`{"instance_type":"m7i.large","availability_zone":"us-east-1a"}`, problem.Usage},
		"very many zones":       {with(`"availability_zones":[` + strings.Repeat(`"us-east-1a",`, 99) + `"us-east-1a"]`), problem.Usage},
		"unknown architecture":  {with(`"architecture":"$(id)"`), problem.Usage},
		"negative price":        {with(`"spot_price":-1`), problem.Usage},
		"absurd price":          {with(`"on_demand_price":1e300`), problem.Usage},
		"negative count":        {with(`"gpus":-1`), problem.Usage},
		"huge memory":           {with(`"memory_mib":9007199254740993`), problem.Usage},
		"escape sequence":       {with(`"gpu_model":"\u001b[2J"`), problem.Usage},
		"long text":             {with(`"price_source":"` + strings.Repeat("x", 300) + `"`), problem.Usage},
		"not a reservation":     {with(`"reservation_id":"i-0123456789abcdef0"`), problem.Usage},
		"odd reservation type":  {with(`"reservation_type":"a b"`), problem.Usage},
		"not a date":            {with(`"price_as_of":"yesterday"`), problem.Usage},
		"negative schema":       {with(`"schema":-1`), problem.Usage},
		"deeply nested rubbish": {strings.Repeat("[", 100_000), problem.Usage},
	}
	for name, tt := range tests {
		offers, err := Read(strings.NewReader(tt.text))
		if err == nil || problem.KindOf(err) != tt.kind || problem.NextOf(err) == "" || offers != nil {
			t.Errorf("%s: %v %v; next: %s", name, offers, err, problem.NextOf(err))
		}
	}
}

func TestReadAccepts(t *testing.T) {
	for _, zone := range []string{"us-west-2b", "us-west-2-lax-1a", "us-west-2-wl1-sea-wlz-1"} {
		offers, err := Read(strings.NewReader(`{"instance_type":"u-6tb1.112xlarge","region":"us-west-2","availability_zone":"` + zone + `"}`))
		if err != nil || offers[0].AvailabilityZone != zone {
			t.Errorf("%s: %v", zone, err)
		}
	}
	for _, region := range []string{"us-gov-west-1", "ap-southeast-7", "cn-north-1", "eusc-de-east-1", "us-iso-east-1"} {
		if _, err := Read(strings.NewReader(`{"instance_type":"m7i.large","region":"` + region + `"}`)); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
}

func TestUnknownIsNotZero(t *testing.T) {
	offers, err := Read(strings.NewReader(`{"instance_type":"m7i.large","vcpus":0,"memory_mib":0,"gpus":0,"spot_price":0,"on_demand_price":null}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Offer{{InstanceType: "m7i.large", GPUs: ptr(0)}}
	if diff := cmp.Diff(want, offers); diff != "" {
		t.Error(diff)
	}
}

func TestWantsSpot(t *testing.T) {
	tests := map[string]bool{
		`"spot":true`:  true,
		`"spot":false`: false,
		`"spot_price":0.03,"product_type":"Linux/UNIX"`:                                           true,
		`"spot_price":0.03,"availability_zone":"us-east-1a"`:                                      true,
		`"spot_price":0.03,"product_type":null`:                                                   false,
		`"spot_price":0.03`:                                                                       false, // beside other facts about the type
		`"spot_price":0.03,"on_demand_price":0.1,"availability_zone":"us-east-1a"`:                false,
		`"spot":false,"spot_price":0.03,"availability_zone":"us-east-1a"`:                         false,
		`"availability_zone":"us-east-1a"`:                                                        false,
		`"spot_price":0,"product_type":"Linux/UNIX"`:                                              false,
		`"spot_price":0.03,"on_demand_price":0,"availability_zone":"us-east-1a"`:                  true,
		`"spot":true,"spot_price":0.03,"on_demand_price":0.1,"availability_zones":["us-east-1a"]`: true,
	}
	for fields, want := range tests {
		offers, err := Read(strings.NewReader(`{"instance_type":"m7i.large","region":"us-east-1",` + fields + `}`))
		if err != nil || offers[0].WantsSpot() != want {
			t.Errorf("%s: %v %v", fields, offers, err)
		}
	}
}

func TestZones(t *testing.T) {
	o := Offer{AvailabilityZone: "us-east-1b", AvailabilityZones: []string{"us-east-1a", "us-east-1b", ""}}
	if got := o.Zones(); !slices.Equal(got, []string{"us-east-1b", "us-east-1a"}) {
		t.Error(got)
	}
	if got := (Offer{}).Zones(); got != nil {
		t.Error(got)
	}
}

// endless is a stream without an end that counts what was taken of it.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '['
	}
	e.taken += len(p)
	return len(p), nil
}

func TestAnEndlessStreamIsNotReadToMemory(t *testing.T) {
	var e endless
	_, err := Read(&e)
	if problem.KindOf(err) != problem.Usage || e.taken > 2*MaxBytes {
		t.Errorf("%v after %d bytes", err, e.taken)
	}
}

func TestReadKeepsTheReadersError(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Read(io.MultiReader(strings.NewReader(`{"instance`), failing{broken})); !errors.Is(err, broken) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// clock hands out channels that fire when the test says so.
type clock struct{ notice, limit chan time.Time }

func (c clock) after(d time.Duration) <-chan time.Time {
	if d == time.Minute {
		return c.limit
	}
	return c.notice
}

func TestReadPipe(t *testing.T) {
	c := clock{make(chan time.Time), make(chan time.Time)}
	noticed := make(chan struct{})
	p := DefaultPatience()
	p.After, p.OnNotice = c.after, func() { close(noticed) } // closing twice would panic
	r, w := io.Pipe()
	defer r.Close()
	type answer struct {
		offers []Offer
		err    error
	}
	done := make(chan answer)
	go func() {
		offers, err := ReadPipe(t.Context(), r, p)
		done <- answer{offers, err}
	}()
	c.notice <- time.Time{}
	<-noticed
	if _, err := io.WriteString(w, `{"instance_type":"m7i.large"}`); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if a := <-done; a.err != nil || len(a.offers) != 1 {
		t.Errorf("a slow pipe: %v", a)
	}
}

func TestReadPipeGivesUp(t *testing.T) {
	c := clock{make(chan time.Time), make(chan time.Time, 1)}
	p := DefaultPatience()
	p.After = c.after
	for name, first := range map[string]string{"silent": "", "never closed": `{"instance_type":"m7i.large"}`} {
		r, w := io.Pipe()
		go io.WriteString(w, first)
		c.limit <- time.Time{}
		_, err := ReadPipe(t.Context(), r, p)
		if problem.KindOf(err) != problem.Usage || problem.NextOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		r.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, w := io.Pipe()
	defer w.Close()
	if _, err := ReadPipe(ctx, r, p); problem.KindOf(err) != problem.Interrupted {
		t.Errorf("interrupted: %v", err)
	}
}

// drawn is any offer that Read accepts.
var drawn = rapid.Custom(func(t *rapid.T) Offer {
	count := func(label string, least int) *int {
		return rapid.OneOf(rapid.Just((*int)(nil)), rapid.Map(rapid.IntRange(least, maxCount), ptr[int])).Draw(t, label)
	}
	amount := func(label string) *float64 {
		return rapid.OneOf(rapid.Just((*float64)(nil)), rapid.Map(rapid.Float64Range(1e-6, maxPrice), ptr[float64])).Draw(t, label)
	}
	region := rapid.SampledFrom([]string{"us-east-1", "ap-southeast-7", "us-gov-west-1"}).Draw(t, "region")
	zone := rapid.Map(rapid.SampledFrom([]string{"a", "f", "-lax-1a"}), func(s string) string { return region + s })
	text := rapid.StringMatching(`[ -~äß漢]{0,40}`)
	return Offer{
		Schema:               Schema,
		InstanceType:         rapid.StringMatching(`[a-z0-9-]{1,9}\.[a-z0-9-]{1,9}`).Draw(t, "type"),
		Region:               region,
		AvailabilityZone:     rapid.OneOf(rapid.Just(""), zone).Draw(t, "zone"),
		AvailabilityZones:    rapid.OneOf(rapid.Just([]string(nil)), rapid.SliceOfN(zone, 1, 6)).Draw(t, "zones"),
		Architecture:         rapid.SampledFrom(append([]string{""}, architectures...)).Draw(t, "architecture"),
		VCPUs:                count("vcpus", 1),
		MemoryMiB:            count("memory", 1),
		GPUs:                 count("gpus", 0),
		GPUModel:             text.Draw(t, "model"),
		Spot:                 rapid.Bool().Draw(t, "spot"),
		SpotPrice:            amount("spot price"),
		OnDemandPrice:        amount("on-demand price"),
		PriceSource:          text.Draw(t, "source"),
		PriceAsOf:            rapid.SampledFrom([]string{"", "2026-07-06", "2026-07-06T12:00:00Z"}).Draw(t, "as of"),
		ReservationID:        rapid.SampledFrom([]string{"", "cr-0123456789abcdef0"}).Draw(t, "reservation"),
		ReservationType:      rapid.SampledFrom([]string{"", "capacity-block"}).Draw(t, "reservation type"),
		AvailableCapacity:    count("capacity", 0),
		HibernationSupported: rapid.SampledFrom([]*bool{nil, ptr(true), ptr(false)}).Draw(t, "hibernation"),
	}
})

// What is written in any of the ways is read back unchanged.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offers := rapid.SliceOfN(drawn, 1, 5).Draw(t, "offers")
		var array, lines, one bytes.Buffer
		if err := errors.Join(Write(&array, offers), WriteLines(&lines, offers), WriteOne(&one, offers[0])); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(lines.Bytes(), []byte("\n")); n != len(offers) {
			t.Fatalf("%d offers in %d lines", len(offers), n)
		}
		for text, want := range map[*bytes.Buffer][]Offer{&array: offers, &lines: offers, &one: offers[:1]} {
			read, err := Read(bytes.NewReader(text.Bytes()))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(want, read); diff != "" {
				t.Fatalf("%s\n%s", diff, text)
			}
		}
	})
}

func TestWriteNothing(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, nil); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("%q %v", b.String(), err)
	}
	if err := Write(brokenPipe{}, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Whatever arrives, Read ends with plausible offers or with a problem that has a
// next step, and what it accepted survives being written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"instance_type":"m7i.large","region":"us-east-1","availability_zone":"us-east-1a","architecture":"x86_64","spot":true,"spot_price":0.0331}`))
	f.Add([]byte(`[{"instance_type":"t3.micro"},{"instance_type":"t3.small"}]`))
	f.Add([]byte("{\"instance_type\":\"t3.micro\"}\n{\"instance_type\":\"t3.small\"}\n"))
	f.Add([]byte("TYPE VCPU\n"))
	f.Add([]byte("<html>"))
	f.Add([]byte("[[[[{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		offers, err := Read(bytes.NewReader(text))
		if err != nil {
			if problem.NextOf(err) == "" {
				t.Errorf("no next step: %v", err)
			}
			return
		}
		if len(offers) == 0 {
			t.Error("neither offers nor an error")
		}
		for _, o := range offers {
			if err := check(o); err != nil {
				t.Error(err)
			}
		}
		var again bytes.Buffer
		if err := WriteLines(&again, offers); err != nil {
			t.Fatal(err)
		}
		reread, err := Read(&again)
		if err != nil {
			t.Fatal(err)
		}
		for i := range offers {
			offers[i].Schema = Schema
		}
		if diff := cmp.Diff(offers, reread, cmp.Transformer("empty", emptyAsNil)); diff != "" {
			t.Error(diff)
		}
	})
}

// emptyAsNil sees an empty list of zones, which is written as none, as none.
func emptyAsNil(zones []string) string { return strings.Join(zones, ",") }
