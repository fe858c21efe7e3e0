package ec2

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Volume is an EBS volume. Instances' disks are folders; of volumes beyond the
// root there is only this record.
type Volume struct {
	ID, Region, Zone    string
	SizeGiB             int
	Type                string
	Encrypted           bool
	Snapshot            string
	Created             time.Time
	Instance, Device    string // empty: attached to none
	DeleteOnTermination bool
	Attached            time.Time
}

func (v Volume) origin() origin { return origin{"vol", v.ID, v.Region, v.Created} }

func (v Volume) state() string {
	if v.Instance != "" {
		return "in-use"
	}
	return "available"
}

// blockDevice is a mapping of RunInstances as it travels.
type blockDevice struct {
	DeviceName string
	EBS        *struct {
		VolumeSize          *int
		VolumeType          string
		Encrypted           bool
		DeleteOnTermination *bool
		SnapshotID          string `query:"SnapshotId"`
	} `query:"Ebs"`
}

// sizeLimits are the smallest and largest size of a type of volume, in GiB;
// zero for a type that does not exist.
//
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
func sizeLimits(kind string) (least, most int) {
	switch kind {
	case "gp2":
		return 1, 16384
	case "gp3":
		return 1, 65536
	case "standard":
		return 1, 1024
	case "st1", "sc1":
		return 125, 16384
	}
	return 0, 0 // io1 and io2 need a figure of IOPS, which this cloud does not take
}

// planVolumes are the volumes that an instance gets: the image's root, as the
// mapping of its device name changes it, and one for each other mapping. A
// mapping with a wrong name for the root therefore adds a second volume and
// leaves the root as the image has it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html
func planVolumes(image Image, mappings []blockDevice) ([]Volume, error) {
	root := Volume{Device: image.RootDevice, Type: "gp3", SizeGiB: image.SizeGiB, Snapshot: image.Snapshot, DeleteOnTermination: true}
	volumes := []Volume{root}
	seen := map[string]bool{}
	for _, m := range mappings {
		switch {
		case m.DeviceName == "":
			return nil, errMissing("deviceName")
		case seen[m.DeviceName]:
			return nil, wire.Errorf("InvalidBlockDeviceMapping", "The device '%s' is used in more than one block-device mapping", m.DeviceName)
		case m.EBS == nil:
			return nil, wire.Errorf("InvalidBlockDeviceMapping", "The mapping of '%s' names no volume", m.DeviceName)
		case m.EBS.SnapshotID != "":
			return nil, wire.Errorf("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", m.EBS.SnapshotID)
		}
		seen[m.DeviceName] = true
		v := Volume{Device: m.DeviceName, Type: "gp2"}
		if m.DeviceName == image.RootDevice {
			v = root
		}
		if err := m.apply(&v); err != nil {
			return nil, err
		}
		if v.Device == image.RootDevice {
			volumes[0] = v
		} else {
			volumes = append(volumes, v)
		}
	}
	return volumes, nil
}

func (m blockDevice) apply(v *Volume) error {
	if m.EBS.VolumeType != "" {
		v.Type = m.EBS.VolumeType
	}
	least, most := sizeLimits(v.Type)
	if most == 0 {
		return errValue("Invalid volume type: %s", v.Type)
	}
	if m.EBS.VolumeSize != nil {
		if *m.EBS.VolumeSize < v.SizeGiB {
			return wire.Errorf("InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than snapshot '%s', expect size>= %dGB", *m.EBS.VolumeSize, v.Snapshot, v.SizeGiB)
		}
		v.SizeGiB = *m.EBS.VolumeSize
	}
	if v.SizeGiB == 0 {
		return errMissing("size or snapshotId")
	}
	if v.SizeGiB < least || v.SizeGiB > most {
		return errValue("Volume of %dGiB is invalid; valid sizes of %s are %d to %d", v.SizeGiB, v.Type, least, most)
	}
	v.Encrypted = m.EBS.Encrypted
	if v.Snapshot == "" { // a volume that a mapping adds goes with its instance unless told otherwise
		v.DeleteOnTermination = true
	}
	if m.EBS.DeleteOnTermination != nil {
		v.DeleteOnTermination = *m.EBS.DeleteOnTermination
	}
	return nil
}

// volumesOf are an instance's volumes, the root first.
func (s *Service) volumesOf(tx *store.Tx, i Instance) []Volume {
	var out []Volume
	for _, id := range i.Volumes {
		if v, found := s.volumes.Get(tx, id); found {
			out = append(out, v)
		}
	}
	return out
}

type volumeInput struct {
	call.Dry
	VolumeID string `query:"VolumeId"`
}

// deleteVolume refuses while the volume is attached.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVolume.html
func (s *Service) deleteVolume(tx *store.Tx, c *call.Caller, in *volumeInput) (*done, error) {
	v, err := s.volumes.find(tx, c.Region, in.VolumeID)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:DeleteVolume", s.arn(c.Region, "volume", v.ID), s.resourceKeys(tx, c.Region, v.ID)); err != nil {
		return nil, err
	}
	if v.Instance != "" {
		return nil, wire.Errorf("VolumeInUse", "Volume %s is currently attached to %s", v.ID, v.Instance)
	}
	s.volumes.Delete(tx, v.ID)
	s.tags.Delete(tx, v.ID)
	return &done{true}, nil
}
