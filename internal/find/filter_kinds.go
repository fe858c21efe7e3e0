package find

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// halfTenth is how exactly memory is asked for, because it is shown in tenths:
// 1.7 GiB finds the 1740 MiB of an m1.small.
const halfTenth = 0.05

// Memory is sold in GiB, whatever people write behind the number.
func memoryUnits() []unit {
	return []unit{{"gib", 1}, {"gb", 1}, {"tib", 1024}, {"tb", 1024}, {"mib", 1.0 / 1024}, {"mb", 1.0 / 1024}}
}

// GPU memory is told by EC2 in MiB and sold in GB, of which the 24 of an A10G
// are 22,888 MiB.
func gpuMemoryUnits() []unit {
	return []unit{{"gib", 1}, {"gb", 1e9 / (1 << 30)}, {"tib", 1024}, {"tb", 1e12 / (1 << 30)}, {"mib", 1.0 / 1024}}
}

// Disks are sold in powers of ten.
func diskUnits() []unit { return []unit{{"gb", 1}, {"tb", 1000}} }

func networkUnits() []unit { return []unit{{"gbps", 1}, {"tbps", 1000}, {"mbps", 0.001}} }

func familyKinds() []FilterKind {
	return []FilterKind{
		{Flag: "family", Usage: "of these `families`: m7i,c7i", parse: func(value string) (Filter, error) {
			families, err := list(value)
			return Filter{
				phrase: "of family " + strings.Join(families, " or "), subject: "family",
				test: func(r Row) catalog.Answer { return answer(slices.Contains(families, r.Type.Family())) },
			}, err
		}},
		answerKind("current-generation", "of the current generation: `yes or no`", "of the current generation", "of a previous generation", "generation",
			func(r Row) catalog.Answer { return unlessNameOnly(r.Type, r.Type.Previous).not() }),
	}
}

func processorKinds() []FilterKind {
	return []FilterKind{
		{Flag: "arch", Usage: "of this `architecture`: x86_64 or arm64", parse: parseArch},
		{Flag: "processor", Usage: "with this `maker's` processors, as far as the family's name tells: graviton, intel or amd", parse: parseProcessor},
		spanKind("vcpus", "with so many vCPUs: a `range` like 8, 4-16, 8+ or -16", "vCPU", "vCPUs", "number of vCPUs", quantity{
			of:   func(r Row) (float64, bool) { return float64(r.Type.VCPUs), r.Type.VCPUs > 0 },
			show: number,
		}),
		spanKind("memory", "with so much memory: a `range` in GiB", "GiB of memory", "GiB of memory", "memory", quantity{
			within: halfTenth,
			of:     func(r Row) (float64, bool) { return float64(r.Type.MemoryMiB) / 1024, r.Type.MemoryMiB > 0 },
			show:   func(n float64) string { return number(math.Round(n*10)/10) + " GiB" },
			units:  memoryUnits(),
		}),
	}
}

func acceleratorKinds() []FilterKind {
	return []FilterKind{
		spanKind("gpus", "with so many GPUs: a `range`", "GPU", "GPUs", "number of GPUs", quantity{
			of: func(r Row) (float64, bool) {
				n, known := r.Type.GPUs()
				return float64(n), known
			},
			show: number,
		}),
		spanKind("accelerators", "with so many GPUs, Neuron devices, FPGAs or other accelerators: a `range`", "accelerator", "accelerators", "number of accelerators", quantity{
			of: func(r Row) (float64, bool) {
				return float64(r.Type.Accelerators.Count), r.Type.Origin != catalog.NameOnly
			},
			show: number,
		}),
		{Flag: "gpu-model", Usage: "with GPUs or other accelerators of this `model`: h100, l4, trainium", parse: parseModel},
		spanKind("gpu-memory", "with so much memory on all its GPUs together: a `range` in GiB, or with gb behind it in GB", "GiB of GPU memory", "GiB of GPU memory", "GPU memory", quantity{
			within: halfTenth,
			of: func(r Row) (float64, bool) {
				mib, known := gpuMemory(r)
				return float64(mib) / 1024, known
			},
			show:  func(n float64) string { return number(math.Round(n*10)/10) + " GiB" },
			units: gpuMemoryUnits(),
		}),
	}
}

func machineKinds() []FilterKind {
	return []FilterKind{
		spanKind("network", "with so much network bandwidth at all times, not only in bursts: a `range` in Gbps", "Gbps of network", "Gbps of network", "network bandwidth", quantity{
			of:    func(r Row) (float64, bool) { return float64(r.Type.NetworkMbps) / 1000, r.Type.NetworkMbps > 0 },
			show:  func(n float64) string { return number(n) + " Gbps" },
			units: networkUnits(),
		}),
		{Flag: "local-disk", Usage: "with local disk: yes, no, or a `range` in GB", parse: parseLocalDisk},
		answerKind("burstable", "with burstable performance: `yes or no`", "with burstable performance", "without burstable performance", "kind of performance",
			func(r Row) catalog.Answer { return unlessNameOnly(r.Type, r.Type.Burstable).answer() }),
		answerKind("bare-metal", "on bare metal: `yes or no`", "on bare metal", "not on bare metal", "kind of machine",
			func(r Row) catalog.Answer { return unlessNameOnly(r.Type, r.Type.BareMetal).answer() }),
		answerKind("hibernation", "able to hibernate: `yes or no`", "able to hibernate", "not able to hibernate", "hibernation",
			func(r Row) catalog.Answer { return r.Type.Hibernation }),
	}
}

func placeKinds(spot bool) []FilterKind {
	return []FilterKind{
		{Flag: "zone", Usage: "offered in one of these `zones`: us-east-1a", parse: func(value string) (Filter, error) {
			zones, err := list(value)
			return Filter{
				phrase: "in zone " + strings.Join(zones, " or "), subject: "list of zones", zones: zones,
				test: func(r Row) catalog.Answer {
					if len(r.Zones) == 0 {
						return catalog.Unknown
					}
					return answer(slices.ContainsFunc(zones, func(z string) bool { return slices.Contains(r.Zones, z) }))
				},
				instead: labels(10, func(r Row) []string { return r.Zones }),
			}, err
		}},
		{Flag: "max-price", Usage: "for at most so many `USD` an hour: on demand, or with --spot as Spot", parse: func(value string) (Filter, error) { return parseMaxPrice(value, spot) }},
	}
}

// claim is a yes or no of a type of which perhaps only the name is known.
type claim struct{ yes, known bool }

// unlessNameOnly: of a type of which only the name is known, a yes is told by
// the name, and a no by nobody.
func unlessNameOnly(t catalog.Type, yes bool) claim {
	return claim{yes: yes, known: yes || t.Origin != catalog.NameOnly}
}

func (c claim) answer() catalog.Answer {
	if !c.known {
		return catalog.Unknown
	}
	return answer(c.yes)
}

func (c claim) not() catalog.Answer { return claim{!c.yes, c.known}.answer() }

func parseArch(value string) (Filter, error) {
	name := strings.ToLower(value)
	switch name {
	case "amd64", "x86", "x64":
		name = "x86_64" // as Go, Debian and people call it
	case "arm", "aarch64":
		name = "arm64"
	}
	want := catalog.ParseArchitecture(name)
	if want == 0 {
		return Filter{}, problem.New(problem.Usage, "there is no architecture %q", value).WithNext("use x86_64 or arm64")
	}
	return Filter{
		phrase: "for " + name, subject: "architecture",
		test: func(r Row) catalog.Answer {
			if r.Type.Architectures == 0 {
				return catalog.Unknown
			}
			return answer(r.Type.Architectures&want != 0)
		},
		instead: labels(5, func(r Row) []string { return r.Type.Architectures.Names() }),
	}, nil
}

func parseProcessor(value string) (Filter, error) {
	want := Processor(strings.ToLower(value))
	if !slices.Contains([]Processor{Graviton, Intel, AMD}, want) {
		return Filter{}, problem.New(problem.Usage, "no family says that it has %q processors", value).WithNext("use graviton, intel or amd")
	}
	return Filter{
		phrase: "with " + value + " processors", subject: "processor's maker",
		test: func(r Row) catalog.Answer {
			got := ProcessorOf(r.Type)
			if got == "" {
				return catalog.Unknown
			}
			return answer(got == want)
		},
	}, nil
}

func parseModel(value string) (Filter, error) {
	words := modelWords(value)
	if len(words) == 0 {
		return Filter{}, problem.New(problem.Usage, "the model is empty").WithNext("name one, such as h100")
	}
	return Filter{
		phrase: "with " + value, subject: "accelerator",
		test: func(r Row) catalog.Answer {
			if r.Type.Origin == catalog.NameOnly {
				return catalog.Unknown
			}
			return answer(isModel(r.Type.Accelerators.Model, words))
		},
		instead: labels(40, func(r Row) []string {
			if r.Type.Accelerators.Count == 0 {
				return nil
			}
			return []string{r.Type.Accelerators.Model}
		}),
	}, nil
}

func modelWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c == ' ' || c == ',' || c == '-' || c == '_' })
}

// isModel tells that a model has all the words in its name: l4 is not L40S. A
// long word may leave out the number: inferentia is Inferentia2 too.
func isModel(model string, words []string) bool {
	have := modelWords(model)
	for _, w := range words {
		if !slices.ContainsFunc(have, func(h string) bool {
			return h == w || len(w) > 4 && strings.TrimRight(h, "0123456789") == w
		}) {
			return false
		}
	}
	return model != ""
}

func parseLocalDisk(value string) (Filter, error) {
	if want, err := parseAnswer(value); err == nil {
		return answerFilter(want, "with local disk", "without local disk", "local disk", func(r Row) catalog.Answer { return r.Type.LocalDisk }), nil
	}
	q := quantity{
		of: func(r Row) (float64, bool) {
			gb, known := localDisk(r)
			return float64(gb), known
		},
		show:  func(n float64) string { return number(n) + " GB" },
		units: diskUnits(),
	}
	s, err := parseSpan(value, q.units)
	if err != nil {
		return Filter{}, problem.New(problem.Usage, "%w", err).WithNext("say yes, no, or a range in GB like 900+")
	}
	return q.in(s, "with "+s.words("GB of local disk", "GB of local disk"), "size of the local disk"), nil
}

func parseMaxPrice(value string, spot bool) (Filter, error) {
	most, err := parseNumber(strings.TrimPrefix(value, "$"), nil)
	if err != nil || most == 0 {
		return Filter{}, problem.New(problem.Usage, "%q is not an amount of USD an hour", value).WithNext("write it like 0.25")
	}
	of, how, subject := func(r Row) price.Price { return r.OnDemand }, "", "price"
	if spot {
		of, how, subject = func(r Row) price.Price { return r.Spot }, " as Spot", "Spot price"
	}
	limit := Span{0, most}
	q := quantity{of: func(r Row) (float64, bool) {
		usd := of(r).USD()
		if usd == nil {
			return 0, false
		}
		return *usd, true
	}}
	f := q.in(limit, fmt.Sprintf("for at most $%s an hour%s", strings.TrimPrefix(value, "$"), how), subject)
	f.instead = func(rows []Row) string {
		cheapest := slices.MinFunc(rows, func(a, b Row) int { return of(a).Cmp(of(b)) })
		if p := of(cheapest); p.Known() {
			return fmt.Sprintf("the cheapest is %s at %s", cheapest.Type.Name, p.Dollars())
		}
		return ""
	}
	return f, nil
}

// gpuMemory is the memory of all GPUs of a row's type together; other
// accelerators are not counted.
func gpuMemory(r Row) (mib int, known bool) {
	n, known := r.Type.GPUs()
	if n == 0 {
		return 0, known
	}
	mib = r.Type.Accelerators.MemoryMiB
	return mib, mib > 0
}

// localDisk is the size of all local disks of a row's type together.
func localDisk(r Row) (gb int, known bool) {
	t := r.Type
	return t.LocalDiskGB, t.LocalDisk == catalog.No || t.LocalDisk == catalog.Yes && t.LocalDiskGB > 0
}
