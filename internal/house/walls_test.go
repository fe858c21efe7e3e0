package house_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// module is the path that our packages' names begin with; within this package
// ours are named without it.
const module = "github.com/spawn-ec2/spawn/"

// pkg is a package of ours: what it imports directly, tests apart. Ours are
// named from the module's root, such as internal/launch; others in full.
type pkg struct {
	Doc     string   // the first sentence of its comment
	Imports []string // direct ones
	Deps    []string // all of them, but those of the standard library
}

// house is what is built, by name.
type house map[string]pkg

// wall is a rule between packages.
type wall struct {
	name     string
	why      string
	breaches func(house) []string // one line each; none: the wall stands
}

// walls are all of them.
func walls() []wall {
	return []wall{
		{
			name:     "every package has a floor",
			why:      "who may import a package is decided when it is made, not found out later",
			breaches: homeless,
		},
		{
			name:     "imports go down",
			why:      "what users see can then change without touching what it rests on, and the lower floors can be understood alone",
			breaches: upward,
		},
		{
			name:     "the vocabulary stands alone",
			why:      "spawn, truffle and spored share it: what it needs, all three carry",
			breaches: vocabulary,
		},
		{
			name:     "awserr needs smithy alone",
			why:      "questions about errors must cost spored nothing and bind nobody to a service",
			breaches: awserrImports,
		},
		{
			name:     "the agent keeps to itself",
			why:      "it runs on other people's instances as root: it holds what ends an instance and nothing of the laptop's programs",
			breaches: agentImports,
		},
		{
			name:     "the local cloud is not imported",
			why:      "it is an endpoint like any other; code that knows it is there would work there and not in AWS",
			breaches: localImporters,
		},
		{
			name:     "the local cloud knows nothing of spawn",
			why:      "it is EC2, not a mirror of us: a rule that both got wrong from the same place would pass every test",
			breaches: localImports,
		},
		{
			name:     "answers need no SDK",
			why:      "what is found in what was said is pure: it is tested and fuzzed without compiling a cloud's client, and starts in milliseconds",
			breaches: answerDeps,
		},
		{
			name:     "only the picker draws questions",
			why:      "what draws them takes over the keyboard: there is one place to look where a terminal was not given back, and truffle has none",
			breaches: drawers,
		},
		{
			name:     "programs are wiring",
			why:      "what is in a main package cannot be tested or used by another program",
			breaches: mainImports,
		},
		{
			name:     "spored stays small",
			why:      "it is resident on every instance, and everything in it is attack surface as root",
			breaches: sporedDeps,
		},
		{
			name:     "programs do not carry what writes their manual",
			why:      "it is needed once a release, and would be in every download",
			breaches: manualDeps,
		},
		{
			name:     "every package says what it is for",
			why:      "a reader who opens a folder must know where they are",
			breaches: undocumented,
		},
	}
}

// A floor is how high a package stands. It imports from its own floor and from
// those below.
type floor int

const (
	ground     floor = iota // the vocabulary, pure
	foundation              // what a capability stands on
	capability              // one thing that can be done to instances
	terminal                // what a person sees of it
	command                 // a package a command
	program                 // main
)

// floors say where packages stand; a name stands for what is below it, too, and
// the longest one counts.
//
// Three stand elsewhere than a first plan had them: deadline acts on an
// instance, through instance, so it is a capability; sshx (files and command
// lines) and permissions (documents as data) are what account needs to ensure a
// key and a role, so they are foundation.
func floors() map[string]floor {
	return map[string]floor{
		"internal/lifecycle": ground,
		"internal/offer":     ground,
		"internal/awserr":    ground,
		"internal/catalog":   ground,
		"internal/files":     ground,
		"internal/problem":   ground,
		"internal/sdkhttp":   ground,

		"internal/account":     foundation,
		"internal/awsx":        foundation,
		"internal/journal":     foundation,
		"internal/permissions": foundation,
		"internal/price":       foundation,
		"internal/settings":    foundation,
		"internal/sshx":        foundation,

		"internal/agent":     capability,
		"internal/agentbin":  capability,
		"internal/bootstrap": capability,
		"internal/deadline":  capability,
		"internal/find":      capability,
		"internal/instance":  capability,
		"internal/launch":    capability,
		"internal/market":    capability,
		"internal/reap":      capability,

		"internal/term": terminal,
		"internal/cli":  command,
		"cmd":           program,

		// A house of its own beside this one, see the walls about it.
		"internal/local": capability,
		// For tests alone, whose imports are not looked at: nothing that is built
		// may import these. cloudtest gives tests a local cloud.
		"internal/cloudtest": program,
		"internal/crash":     program,
		"internal/e2e":       program,
		"internal/house":     program,
		// Writes manual pages, completions and docs/commands from the commands.
		"internal/manual": program,
		"internal/soak":   program,
		"test":            program,
	}
}

func floorOf(name string) (floor, bool) {
	all := floors()
	for name != "." && name != "" {
		if f, there := all[name]; there {
			return f, true
		}
		cut := strings.LastIndexByte(name, '/')
		if cut < 0 {
			break
		}
		name = name[:cut]
	}
	return 0, false
}

func homeless(h house) (out []string) {
	for _, name := range h.names() {
		if _, there := floorOf(name); !there {
			out = append(out, name+" is on no floor: give it one in floors")
		}
	}
	return out
}

func upward(h house) []string {
	return h.imports(func(from, to string) bool {
		a, _ := floorOf(from)
		b, ours := floorOf(to)
		return ours && b > a
	})
}

func vocabulary(h house) []string {
	return h.imports(func(from, to string) bool {
		if f, there := floorOf(from); !there || f != ground || !ours(to) || within(to, from) {
			return false
		}
		switch {
		case within(from, "internal/offer"):
			return to != "internal/problem" && to != "internal/lifecycle"
		case within(from, "internal/catalog"):
			return !within(to, "internal/catalog") // its generator
		default:
			return true
		}
	})
}

func awserrImports(h house) []string {
	return h.imports(func(from, to string) bool {
		return from == "internal/awserr" && !standard(to) && !within(to, "github.com/aws/smithy-go")
	})
}

func agentImports(h house) []string {
	return h.imports(func(from, to string) bool {
		return within(from, "internal/agent") && ours(to) && !within(to, "internal/agent") &&
			to != "internal/lifecycle" && to != "internal/awserr" && to != "internal/problem" && to != "internal/sdkhttp" && to != "internal/files"
	})
}

func localImporters(h house) []string {
	return h.imports(func(from, to string) bool {
		return within(to, "internal/local") && !within(from, "internal/local") &&
			!within(from, "internal/cli/spawn/localcmd") && !within(from, "internal/cloudtest")
	})
}

func localImports(h house) []string {
	return h.imports(func(from, to string) bool {
		return within(from, "internal/local") && ours(to) && !within(to, "internal/local") &&
			to != "internal/catalog" && to != "internal/files"
	})
}

// answerDeps look at all that finding depends on, and at all that the words
// between asking and finding do.
func answerDeps(h house) (out []string) {
	for _, name := range []string{"internal/find", "internal/market"} {
		for _, dep := range h[name].Deps {
			if within(dep, "github.com/aws") || dep == "internal/awsx" {
				out = append(out, name+" depends on "+dep)
			}
		}
	}
	return out
}

func drawers(h house) []string {
	return h.imports(func(from, to string) bool {
		if to == "internal/term/picker" {
			return from != "internal/cli/spawn/wizard"
		}
		return from != "internal/term/picker" &&
			(within(to, "charm.land/huh") || within(to, "charm.land/bubbletea") || within(to, "charm.land/bubbles"))
	})
}

func mainImports(h house) []string {
	return h.imports(func(from, to string) bool {
		return within(from, "cmd") && ours(to) && !within(to, "internal/cli")
	})
}

// sporedBudget is how many packages of others spored may be built of, for
// linux/amd64. It was measured: aws-sdk-go-v2's core, imds, the role's
// credentials and the EC2 client. Raise it with a reason, or leave the
// dependency out.
const sporedBudget = 56

func sporedDeps(h house) (out []string) {
	spored, there := h["cmd/spored"]
	if !there {
		return nil
	}
	foreign := 0
	for _, dep := range spored.Deps {
		if !ours(dep) {
			foreign++
		}
		for _, heavy := range []string{
			"github.com/aws/aws-sdk-go-v2/config", // 2 MB of binary and 5 MB of memory for profiles that no instance has
			"github.com/spf13/cobra",
			"charm.land/lipgloss",
			"internal/agentbin", // it holds spored itself
			"internal/awsx",
			"internal/catalog",
			"internal/local",
			"internal/term",
		} {
			if within(dep, heavy) || strings.HasPrefix(dep, heavy+"/v") {
				out = append(out, "cmd/spored depends on "+dep)
			}
		}
	}
	if foreign > sporedBudget {
		out = append(out, fmt.Sprintf("cmd/spored is built of %d packages of others, its budget is %d", foreign, sporedBudget))
	}
	return out
}

func manualDeps(h house) (out []string) {
	for _, name := range h.names() {
		for _, dep := range h[name].Deps {
			if within(name, "cmd") && within(dep, "github.com/spf13/cobra/doc") {
				out = append(out, name+" depends on "+dep)
			}
		}
	}
	return out
}

func undocumented(h house) (out []string) {
	for _, name := range h.names() {
		if h[name].Doc == "" {
			out = append(out, name+" has no package comment")
		}
	}
	return out
}

// imports lists the direct imports for which breach holds.
func (h house) imports(breach func(from, to string) bool) (out []string) {
	for _, from := range h.names() {
		for _, to := range h[from].Imports {
			if breach(from, to) {
				out = append(out, from+" imports "+to)
			}
		}
	}
	return out
}

func (h house) names() []string { return slices.Sorted(maps.Keys(h)) }

// within tells whether a package is the one named or below it.
func within(name, top string) bool { return name == top || strings.HasPrefix(name, top+"/") }

// ours tells whether a package is in this repository.
func ours(name string) bool {
	return within(name, "internal") || within(name, "cmd") || within(name, "test")
}

// standard tells whether a package is in Go's standard library: others begin
// with a domain.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".") && !ours(name)
}
