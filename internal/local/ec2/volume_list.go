package ec2

import (
	"strconv"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeVolumesInput struct {
	Listing
	IDs []string `query:"VolumeId"`
}

type attachmentView struct {
	Volume   string `xml:"volumeId"`
	Instance string `xml:"instanceId"`
	Device   string `xml:"device"`
	Status   string `xml:"status"`
	Time     string `xml:"attachTime"`
	Delete   bool   `xml:"deleteOnTermination"`
}

type volumeView struct {
	ID          string                     `xml:"volumeId"`
	Size        int                        `xml:"size"`
	Snapshot    string                     `xml:"snapshotId"`
	Zone        string                     `xml:"availabilityZone"`
	Status      string                     `xml:"status"`
	Created     string                     `xml:"createTime"`
	Attachments wire.Items[attachmentView] `xml:"attachmentSet"`
	Type        string                     `xml:"volumeType"`
	Encrypted   bool                       `xml:"encrypted"`
	MultiAttach bool                       `xml:"multiAttachEnabled"`
	Tags        wire.Items[Tag]            `xml:"tagSet"`
}

type describeVolumesOutput struct {
	Volumes   wire.Items[volumeView] `xml:"volumeSet"`
	NextToken string                 `xml:"nextToken,omitempty"`
}

func (v Volume) attribute(name string) ([]string, bool) {
	switch name {
	case "volume-id":
		return one(v.ID)
	case "status":
		return one(v.state())
	case "availability-zone":
		return one(v.Zone)
	case "size":
		return one(strconv.Itoa(v.SizeGiB))
	case "volume-type":
		return one(v.Type)
	case "snapshot-id":
		return one(v.Snapshot)
	case "encrypted":
		return truth(v.Encrypted)
	case "attachment.instance-id":
		return one(v.Instance)
	case "attachment.device":
		return one(v.Device)
	case "attachment.status":
		if v.Instance == "" {
			return nil, true
		}
		return one("attached")
	case "attachment.delete-on-termination":
		return truth(v.Instance != "" && v.DeleteOnTermination)
	}
	return nil, false
}

func (s *Service) viewVolume(tx *store.Tx, v Volume) volumeView {
	view := volumeView{
		ID: v.ID, Size: v.SizeGiB, Snapshot: v.Snapshot, Zone: v.Zone, Status: v.state(), Created: wire.Time(v.Created),
		Type: v.Type, Encrypted: v.Encrypted, Tags: s.tagList(tx, v.ID),
	}
	if v.Instance != "" {
		view.Attachments = wire.Items[attachmentView]{{v.ID, v.Instance, v.Device, "attached", wire.Time(v.Attached), v.DeleteOnTermination}}
	}
	return view
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumes.html
func (s *Service) describeVolumes(tx *store.Tx, c *call.Caller, in *describeVolumesInput) (*describeVolumesOutput, error) {
	found, next, err := listingOf(s, tx, c, s.volumes, Volume.attribute, limits{5, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeVolumesOutput{show(found, func(v Volume) volumeView { return s.viewVolume(tx, v) }), next}, nil
}
