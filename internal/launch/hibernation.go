package launch

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Limits of hibernation. Linux needs less memory than the first; EC2 keeps an
// instance hibernated for no longer than the second.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Hibernate.html
const (
	hibernatesBelowMiB = 150 * 1024
	longestHibernation = 60 * 24 * time.Hour
)

// checkHibernation refuses what cannot hibernate, with the reason: the type by
// its data, never by its name; the image; the root volume; a life longer than
// EC2 keeps a hibernated instance. That the root is encrypted needs no check:
// every one is.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
func (c Candidate) checkHibernation(life time.Duration) error {
	if why := cannotHibernate(c.Type); why != "" {
		return problem.New(problem.Usage, "%s cannot hibernate: %s", c.Type.Name, why).
			WithNext("leave out --hibernate, or choose a type that can; truffle describe says which can")
	}
	if c.Image.Hibernates == catalog.No {
		return problem.New(problem.Usage, "%s cannot hibernate: AWS does not list it among the images that can", c.Image.Name).
			WithNext("leave out --hibernate, or use --ami %s", amazonLinux)
	}
	if wish, least := c.Volume.SizeGiB, c.hibernationGiB(); wish > 0 && !c.Image.unread() && wish < least {
		return problem.New(problem.Usage, "--volume-size %d is too small to hibernate: %d GiB of memory are kept on the root volume, beside the %d GiB of %s",
			wish, memoryGiB(c.Type), c.imageGiB(), c.Image.Name).
			WithNext("ask for --volume-size %d or more, or leave it out", least)
	}
	if life > longestHibernation {
		return problem.New(problem.Usage, "it would live %s, and EC2 keeps an instance hibernated for at most %s",
			lifecycle.FormatDuration(life), lifecycle.FormatDuration(longestHibernation)).
			WithNext("shorten --ttl, or leave out --hibernate")
	}
	return nil
}

// cannotHibernate is the reason why a type cannot, or "". What nobody tells
// counts as no: EC2 would refuse the launch, or take it and never hibernate.
func cannotHibernate(t catalog.Type) string {
	switch {
	case t.BareMetal:
		return "it is bare metal"
	case t.Hibernation == catalog.No && t.MemoryMiB >= hibernatesBelowMiB:
		return "only less than 150 GiB of memory can"
	case t.Hibernation == catalog.No:
		return "EC2 does not list its family"
	case t.Hibernation == catalog.Unknown:
		return "whether EC2 lists its family is not known"
	case t.MemoryMiB == 0:
		return "how much memory it has is not known"
	case t.MemoryMiB >= hibernatesBelowMiB:
		return "only less than 150 GiB of memory can"
	}
	return ""
}

// assumedImageGiB stands for an image whose size nobody tells.
const assumedImageGiB = 8

func (c Candidate) imageGiB() int {
	if c.Image.SizeGiB > 0 {
		return c.Image.SizeGiB
	}
	return assumedImageGiB
}

// hibernationGiB is the least root volume for hibernation: what the image
// needs, and all of the memory beside it.
func (c Candidate) hibernationGiB() int { return c.imageGiB() + memoryGiB(c.Type) }

// memoryGiB is the type's memory, rounded up.
func memoryGiB(t catalog.Type) int { return (t.MemoryMiB + 1023) / 1024 }

// hibernationOptions enable hibernation, which is possible at launch only; nil
// is without.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/enabling-hibernation.html
func (c Candidate) hibernationOptions() *types.HibernationOptionsRequest {
	if !c.Hibernate {
		return nil
	}
	return &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
}

func (c Candidate) hibernationNotes() []string {
	gib, _ := c.RootGiB()
	notes := []string{fmt.Sprintf("its root volume of %d GiB has room for %d GiB of memory; it can hibernate about two minutes after its start", gib, memoryGiB(c.Type))}
	if c.Image.Hibernates == catalog.Unknown {
		notes = append(notes, fmt.Sprintf("whether %s can hibernate is unknown: if it cannot, the instance keeps running, and ends at its deadline", c.Image.Name))
	}
	return notes
}
