package truffle

import (
	"fmt"
	"strconv"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/term"
)

// What a type has, in words for a cell. None is a dash; what nobody knows is
// unknown.
const none = "-"

func accelerators(t catalog.Type) string {
	switch {
	case t.Origin == catalog.NameOnly:
		return term.Unknown
	case t.Accelerators.Count == 0:
		return none
	default:
		return fmt.Sprintf("%d x %s", t.Accelerators.Count, t.Accelerators.Model)
	}
}

// gpuMemory is that of all GPUs together; other accelerators are not GPUs.
func gpuMemory(t catalog.Type) string {
	switch n, known := t.GPUs(); {
	case !known:
		return term.Unknown
	case n == 0:
		return none
	default:
		return term.Memory(t.Accelerators.MemoryMiB)
	}
}

// network is the bandwidth as EC2 words it, else what can be had all the time.
func network(t catalog.Type) string {
	if t.Network != "" || t.NetworkMbps == 0 {
		return term.Or(t.Network)
	}
	return gbps(t.NetworkMbps)
}

func ebs(t catalog.Type) string {
	if t.EBSMbps == 0 {
		return term.Unknown
	}
	return gbps(t.EBSMbps)
}

func gbps(mbps int) string {
	return strconv.FormatFloat(float64(mbps)/1000, 'f', -1, 64) + " Gbps"
}

func localDisk(t catalog.Type) string {
	switch {
	case t.LocalDisk == catalog.No:
		return none
	case t.LocalDisk == catalog.Unknown:
		return term.Unknown
	case t.LocalDiskGB == 0:
		return "yes, size unknown"
	default:
		return fmt.Sprintf("%d GB", t.LocalDiskGB)
	}
}
