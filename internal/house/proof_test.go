package house_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryWallFallsWhenBroken builds houses with one fault each: a wall that
// cannot fall holds nothing up.
func TestEveryWallFallsWhenBroken(t *testing.T) {
	imports := func(from string, to ...string) house {
		return house{from: {Doc: "It is.", Imports: to}}
	}
	spored := func(deps ...string) house {
		return house{"cmd/spored": {Doc: "It is.", Deps: deps}}
	}
	finder := func(deps ...string) house {
		return house{"internal/find": {Doc: "It is.", Deps: deps}}
	}
	many := make([]string, sporedBudget+1)
	for i := range many {
		many[i] = "example.com/dependency" + strconv.Itoa(i)
	}
	tests := []struct {
		built  house
		fallen []string
	}{
		// Sound houses.
		{imports("internal/cli/spawn/list", "internal/cli/spawn/factory", "internal/term", "internal/instance", "internal/lifecycle", "fmt"), nil},
		{imports("internal/launch", "internal/reap", "internal/account", "internal/offer", "github.com/aws/aws-sdk-go-v2/service/ec2"), nil},
		{imports("internal/awserr", "errors", "strings", "github.com/aws/smithy-go", "github.com/aws/smithy-go/transport/http"), nil},
		{imports("internal/offer", "internal/problem", "internal/lifecycle"), nil},
		{imports("internal/catalog/gen", "internal/catalog"), nil},
		{imports("internal/agent/run", "internal/agent/core", "internal/lifecycle", "internal/awserr"), nil},
		{imports("internal/local/ec2", "internal/local/store", "internal/catalog"), nil},
		{imports("internal/local/runtime/process", "internal/files"), nil},
		{imports("internal/cli/spawn/localcmd", "internal/local", "internal/local/runtime/sandbox"), nil},
		{imports("internal/cloudtest", "internal/local", "internal/awsx"), nil},
		{imports("internal/cli/spawn/wizard", "internal/term/picker"), nil},
		{imports("cmd/spawn", "internal/cli/spawn/root", "os"), nil},
		{spored("internal/agent/run", "internal/cli/spored", "github.com/aws/aws-sdk-go-v2/service/ec2"), nil},
		{spored(many[1:]...), nil},
		{finder("internal/market", "internal/catalog", "github.com/aws-else/x"), nil},

		// Broken ones.
		{imports("internal/new"), []string{"every package has a floor"}},
		{imports("internal"), []string{"every package has a floor"}},
		{imports("internal/launch", "internal/cli/spawn/factory"), []string{"imports go down"}},
		{imports("internal/launch", "internal/term"), []string{"imports go down"}},
		{imports("internal/account", "internal/launch"), []string{"imports go down"}},
		{imports("internal/cli/spawn/list", "internal/cloudtest"), []string{"imports go down"}},
		{imports("internal/term", "internal/cli/spawn/list"), []string{"imports go down"}},
		{imports("internal/lifecycle", "internal/account"), []string{"imports go down", "the vocabulary stands alone"}},
		{imports("internal/lifecycle", "internal/problem"), []string{"the vocabulary stands alone"}},
		{imports("internal/offer", "internal/catalog"), []string{"the vocabulary stands alone"}},
		{imports("internal/catalog", "internal/lifecycle"), []string{"the vocabulary stands alone"}},
		{imports("internal/awserr", "github.com/aws/aws-sdk-go-v2/aws"), []string{"awserr needs smithy alone"}},
		{imports("internal/awserr", "github.com/aws/smithy-go-else"), []string{"awserr needs smithy alone"}},
		{imports("internal/agent/act", "internal/account"), []string{"the agent keeps to itself"}},
		{imports("internal/launch", "internal/local"), []string{"the local cloud is not imported"}},
		{imports("internal/cli/spawn/launchcmd", "internal/local/runtime"), []string{"the local cloud is not imported"}},
		{imports("internal/local/ec2", "internal/lifecycle"), []string{"the local cloud knows nothing of spawn"}},
		{finder("github.com/aws/smithy-go"), []string{"answers need no SDK"}},
		{finder("internal/awsx"), []string{"answers need no SDK"}},
		{imports("internal/cli/truffle", "internal/term/picker"), []string{"only the picker draws questions"}},
		{imports("internal/term", "charm.land/huh/v2"), []string{"only the picker draws questions"}},
		{imports("cmd/spawn", "internal/launch"), []string{"programs are wiring"}},
		{spored("github.com/aws/aws-sdk-go-v2/config"), []string{"spored stays small"}},
		{spored("github.com/spf13/cobra"), []string{"spored stays small"}},
		{spored("charm.land/lipgloss/v2"), []string{"spored stays small"}},
		{spored("internal/catalog"), []string{"spored stays small"}},
		{spored(many...), []string{"spored stays small"}},
		{house{"cmd/spawn": {Doc: "It is.", Deps: []string{"github.com/spf13/cobra/doc"}}}, []string{"programs do not carry what writes their manual"}},
		{house{"internal/launch": {}}, []string{"every package says what it is for"}},
	}
	for _, tt := range tests {
		var fallen []string
		for _, w := range walls() {
			if len(w.breaches(tt.built)) > 0 {
				fallen = append(fallen, w.name)
			}
		}
		if !slices.Equal(fallen, tt.fallen) {
			t.Errorf("%+v: these walls fell: %q, want %q", tt.built, fallen, tt.fallen)
		}
	}
}

// TestEveryWallIsProved keeps a wall from being added without a house that
// breaks it, by its name in the table above.
func TestEveryWallIsProved(t *testing.T) {
	proof := contents(t, "internal/house/proof_test.go")
	for _, w := range walls() {
		if !strings.Contains(proof, strconv.Quote(w.name)) {
			t.Errorf("no broken house for the wall: %s", w.name)
		}
		if w.why == "" {
			t.Errorf("no reason for the wall: %s", w.name)
		}
	}
}

func TestEmptyNames(t *testing.T) {
	for path, want := range map[string]string{
		"internal/launch/util.go":         "util",
		"internal/launch/helpers_test.go": "helpers",
		"internal/common/x.go":            "common",
		"internal/launch/key_manager.go":  "manager",
		"internal/launch/plan.go":         "",
		"internal/find/utilisation.go":    "",
		"docs/common.md":                  "",
	} {
		if got := emptyName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
