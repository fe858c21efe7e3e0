package find

import (
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// Processor is who makes a type's processors.
type Processor string

// The processors that names of families tell.
const (
	Graviton Processor = "graviton"
	Intel    Processor = "intel"
	AMD      Processor = "amd"
)

// ProcessorOf is what the name of a type's family says about its processors, ""
// when it says nothing, as those of families before the sixth generation mostly
// do: the letter after the number of the generation is a for AMD, g for AWS
// Graviton, i for Intel.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
func ProcessorOf(t catalog.Type) Processor {
	after := strings.TrimLeft(t.Family(), "abcdefghijklmnopqrstuvwxyz")
	after = strings.TrimLeft(after, "0123456789")
	if after == "" || after == t.Family() {
		return ""
	}
	switch {
	case after[0] == 'a' && t.Architectures&catalog.X86 != 0:
		return AMD
	case after[0] == 'i' && t.Architectures&catalog.X86 != 0:
		return Intel
	case after[0] == 'g' && t.Architectures&catalog.Arm != 0:
		return Graviton
	default:
		return ""
	}
}
