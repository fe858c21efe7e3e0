package ec2

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// beforeHibernation is how long an instance has to run before it can
// hibernate: "about two minutes".
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-instance-hibernate.html
const beforeHibernation = 2 * time.Minute

// hibernatesBelowMiB is the memory from which on a Linux instance cannot
// hibernate: it must be less than 150 GiB.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html#instance-ram-size
const hibernatesBelowMiB = 150 * 1024

// hibernates tells whether an image is one of those that AWS lists. Of the
// images here that is Amazon Linux 2023; Ubuntu 24.04 and Debian are not listed.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
func (m Image) hibernates() bool {
	return strings.HasPrefix(m.Parameter, "/aws/service/ami-amazon-linux-latest/al2023-")
}

// checkHibernation refuses a launch with hibernation that lacks one of its
// prerequisites. What the catalog does not know counts as lacking.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
func checkHibernation(kind catalog.Type, image Image, root Volume) error {
	var lacks string
	switch {
	case kind.BareMetal:
		lacks = fmt.Sprintf("the instance type '%s' is bare metal", kind.Name)
	case kind.Hibernation == catalog.Unknown:
		lacks = fmt.Sprintf("it is not known whether the instance type '%s' supports hibernation", kind.Name)
	case kind.Hibernation == catalog.No:
		lacks = fmt.Sprintf("the instance type '%s' does not support hibernation", kind.Name)
	case kind.MemoryMiB == 0:
		lacks = fmt.Sprintf("it is not known how much memory the instance type '%s' has", kind.Name)
	case kind.MemoryMiB >= hibernatesBelowMiB:
		lacks = fmt.Sprintf("the instance type '%s' does not have less than %d MiB of memory", kind.Name, hibernatesBelowMiB)
	case !image.hibernates():
		lacks = fmt.Sprintf("the image '%s' does not support hibernation", image.ID)
	case !root.Encrypted:
		lacks = "the root volume is not encrypted"
	case !slices.Contains([]string{"gp2", "gp3"}, root.Type):
		lacks = fmt.Sprintf("a root volume of the type %s does not support hibernation", root.Type)
	case root.SizeGiB*1024 <= kind.MemoryMiB:
		lacks = fmt.Sprintf("the root volume of %d GiB has no room for %d MiB of memory", root.SizeGiB, kind.MemoryMiB)
	default:
		return nil
	}
	return errHibernation("The instance cannot have hibernation: %s", lacks)
}

func errHibernation(format string, args ...any) error {
	return wire.Errorf("UnsupportedHibernationConfiguration", format, args...)
}

// canHibernate refuses to hibernate an instance that was not launched for it,
// or that has not run for long enough.
func (i Instance) canHibernate(now time.Time) error {
	if !i.Hibernation {
		return errHibernation("The instance '%s' is not configured for hibernation.", i.ID)
	}
	if now.Before(i.Launched.Add(beforeHibernation)) {
		return wire.Errorf("UnsupportedOperation", "The instance '%s' is not ready to hibernate yet, retry in a few minutes", i.ID)
	}
	return nil
}

// userHibernated is how a call that hibernates shows in an instance.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
func userHibernated(now time.Time) (StateReason, string) {
	_, transition := userInitiated(now)
	return reason("Client.UserInitiatedHibernate", "User initiated hibernate"), transition
}
