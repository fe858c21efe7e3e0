package launch

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Volume is a wish for the root volume.
type Volume struct {
	SizeGiB int              // 0: as large as the image's, or as hibernation needs
	Type    types.VolumeType // gp3 unless wished otherwise
}

// maxVolumeGiB is the largest volume of a type.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html
var maxVolumeGiB = map[types.VolumeType]int{types.VolumeTypeGp3: 65536, types.VolumeTypeGp2: 16384}

// volume reads the wish. A type that needs figures which nobody gave, or that
// cannot be booted from, is refused with the reason.
//
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
func (s Spec) volume() (Volume, error) {
	v := Volume{Type: types.VolumeType(firstOf(s.VolumeType, string(types.VolumeTypeGp3)))}
	refused := func(why string) error {
		return problem.New(problem.Usage, "--volume-type %s: %s", clip(s.VolumeType), why).WithNext("use gp3 or gp2")
	}
	switch v.Type {
	case types.VolumeTypeGp3, types.VolumeTypeGp2:
	case types.VolumeTypeIo1, types.VolumeTypeIo2:
		return v, refused("such a volume needs a figure of IOPS, which spawn does not take")
	case types.VolumeTypeSt1, types.VolumeTypeSc1:
		return v, refused("an instance cannot boot from it")
	case types.VolumeTypeStandard:
		return v, refused("it is of a previous generation")
	default:
		return v, refused("there is no such type of volume")
	}
	if s.VolumeSize == "" {
		return v, nil
	}
	size, err := strconv.ParseUint(s.VolumeSize, 10, 31)
	if most := maxVolumeGiB[v.Type]; err != nil || size < 1 || size > uint64(most) {
		return v, problem.New(problem.Usage, "--volume-size %s is not a size of a %s volume: a whole number of GiB from 1 to %d", clip(s.VolumeSize), v.Type, most).
			WithNext("write it like --volume-size 100")
	}
	v.SizeGiB = int(size)
	return v, nil
}

// equip gives a candidate its image and its disk, and refuses wishes that cannot
// be met. What the offer says of hibernation was asked of EC2 and may be newer
// than the catalog.
func (c *Candidate) equip(s Spec, o offer.Offer, life time.Duration) (err error) {
	c.Image, c.Hibernate = s.imageFor(c.Type, c.Architecture), s.Hibernate
	if o.HibernationSupported != nil {
		c.Type.Hibernation = catalog.No
		if *o.HibernationSupported {
			c.Type.Hibernation = catalog.Yes
		}
	}
	if c.Volume, err = s.volume(); err != nil {
		return err
	}
	return c.checkDisk(life)
}

// RootGiB is the size that the root volume will have; 0 is unknown. It is
// assumed where it follows from our table's word on the image.
func (c Candidate) RootGiB() (gib int, assumed bool) {
	switch {
	case c.Volume.SizeGiB > 0:
		return c.Volume.SizeGiB, false
	case c.Hibernate:
		return c.hibernationGiB(), false
	default:
		return c.Image.SizeGiB, c.Image.Assumed
	}
}

// checkDisk holds the wishes for the root volume and for hibernation against
// what is known of the image and the type. An image that is still to be looked
// up is held against them afterwards.
func (c Candidate) checkDisk(life time.Duration) error {
	if c.Hibernate {
		if err := c.checkHibernation(life); err != nil {
			return err
		}
	}
	if wish, least := c.Volume.SizeGiB, c.Image.SizeGiB; wish > 0 && wish < least {
		return problem.New(problem.Usage, "--volume-size %d is too small: %s needs %d GiB", wish, c.Image.Name, least).
			WithNext("ask for --volume-size %d or more, or leave it out", least)
	}
	return nil
}

// volumes are the instance's: an encrypted root, and whatever else the image
// brings, encrypted too. All go with their instance. The root's size is left to
// the image unless there is a reason.
func (c Candidate) volumes() []types.BlockDeviceMapping {
	root := &types.EbsBlockDevice{VolumeType: c.Volume.Type, Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true)}
	if c.Volume.SizeGiB > 0 || c.Hibernate {
		gib, _ := c.RootGiB()
		root.VolumeSize = aws.Int32(int32(gib))
	}
	all := []types.BlockDeviceMapping{{DeviceName: aws.String(c.Image.RootDevice), Ebs: root}}
	for _, d := range c.Image.Others {
		ebs := &types.EbsBlockDevice{Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true)}
		if d.Snapshot != "" {
			ebs.SnapshotId = aws.String(d.Snapshot)
		} else {
			ebs.VolumeSize = aws.Int32(int32(d.SizeGiB))
		}
		all = append(all, types.BlockDeviceMapping{DeviceName: aws.String(d.Name), Ebs: ebs})
	}
	return all
}

// imageNotes are what the user should know of the candidate's image and disk.
func (c Candidate) imageNotes() []string {
	notes := slices.Clone(c.Image.Notes)
	if n := len(c.Image.Others); n > 0 {
		notes = append(notes, fmt.Sprintf("%s brings %d more volumes; they are encrypted and end with the instance", c.Image.Name, n))
	}
	if c.Hibernate {
		notes = append(notes, c.hibernationNotes()...)
	}
	return notes
}
