package launch_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func ssmParameter(name, value string) ssmtypes.Parameter {
	return ssmtypes.Parameter{Name: aws.String(name), Value: aws.String(value)}
}

// requested is the RunInstances request that a plan comes to.
func requested(t *testing.T, p launch.Plan) *ec2.RunInstancesInput {
	t.Helper()
	l := launcher(t, cloudtest.Local(t, nil))
	l.Patience = time.Millisecond // nobody boots here
	var sent *ec2.RunInstancesInput
	api := l.EC2
	l.EC2 = unkind{api, func(ctx context.Context, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
		sent = in
		return api.RunInstances(ctx, in)
	}}
	if _, err := l.Launch(t.Context(), p); err != nil && len(p.First().Image.Others) == 0 {
		t.Fatal(err)
	}
	return sent
}

func TestRootVolumeOfARequest(t *testing.T) {
	tests := map[string]struct {
		instanceType string
		change       func(*launch.Spec)
		size         int32 // 0: left out
		kind         types.VolumeType
		device       string
	}{
		"nothing wished":    {"t3.micro", nil, 0, "gp3", "/dev/xvda"},
		"a size":            {"t3.micro", func(s *launch.Spec) { s.VolumeSize = "40" }, 40, "gp3", "/dev/xvda"},
		"a type":            {"t3.micro", func(s *launch.Spec) { s.VolumeType = "gp2" }, 0, "gp2", "/dev/xvda"},
		"Ubuntu":            {"t3.micro", func(s *launch.Spec) { s.AMI = "ubuntu" }, 0, "gp3", "/dev/sda1"},
		"hibernation":       {"m7i.large", func(s *launch.Spec) { s.Hibernate = true }, 16, "gp3", "/dev/xvda"},
		"hibernation, size": {"m7i.large", func(s *launch.Spec) { s.Hibernate, s.VolumeSize = true, "16" }, 16, "gp3", "/dev/xvda"},
		"hibernation, arm":  {"m7g.medium", func(s *launch.Spec) { s.Hibernate = true }, 12, "gp3", "/dev/xvda"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := plans(t, ofType(tt.instanceType), tt.change)
			in := requested(t, p)
			if len(in.BlockDeviceMappings) != 1 {
				t.Fatalf("%d volumes", len(in.BlockDeviceMappings))
			}
			root := in.BlockDeviceMappings[0]
			if aws.ToString(root.DeviceName) != tt.device || aws.ToInt32(root.Ebs.VolumeSize) != tt.size || root.Ebs.VolumeType != tt.kind ||
				!aws.ToBool(root.Ebs.Encrypted) || !aws.ToBool(root.Ebs.DeleteOnTermination) {
				t.Errorf("%s: %+v", aws.ToString(root.DeviceName), root.Ebs)
			}
			if got := in.HibernationOptions != nil && aws.ToBool(in.HibernationOptions.Configured); got != p.First().Hibernate {
				t.Errorf("hibernation is %v", got)
			}
			if in.CreditSpecification != nil {
				t.Error("the account's default of CPU credits is overruled")
			}
		})
	}
}

// What else an AMI brings would otherwise be left unencrypted, and behind.
func TestFurtherVolumesOfAnAMIEndWithTheInstance(t *testing.T) {
	p, err := find(t, "t3.micro", nil, custom(func(i *types.Image) {
		i.BlockDeviceMappings = append(i.BlockDeviceMappings,
			types.BlockDeviceMapping{DeviceName: aws.String("/dev/sdb"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-2"), VolumeSize: aws.Int32(10)}},
			types.BlockDeviceMapping{DeviceName: aws.String("/dev/sdc"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(5)}},
			types.BlockDeviceMapping{DeviceName: aws.String("/dev/sdd"), VirtualName: aws.String("ephemeral0")})
	}))
	if err != nil {
		t.Fatal(err)
	}
	all := requested(t, p).BlockDeviceMappings
	if len(all) != 3 || aws.ToString(all[1].Ebs.SnapshotId) != "snap-2" || aws.ToInt32(all[2].Ebs.VolumeSize) != 5 {
		t.Fatalf("%+v", all)
	}
	for _, m := range all {
		if !aws.ToBool(m.Ebs.Encrypted) || !aws.ToBool(m.Ebs.DeleteOnTermination) {
			t.Errorf("%s: %+v", aws.ToString(m.DeviceName), m.Ebs)
		}
	}
}

func TestVolumesThatCannotBeAreRefused(t *testing.T) {
	for _, wish := range [][2]string{
		{"0", ""},
		{"-1", ""},
		{"65537", ""},
		{"16385", "gp2"},
		{"7", ""},
		{"100GB", ""},
		{"1e3", ""},
		{"10.5", ""},
		{"+9", ""},
		{"99999999999999999999", ""},
		{"", "io1"},
		{"", "io2"},
		{"", "st1"},
		{"", "sc1"},
		{"", "standard"},
		{"", "gp4"},
		{"", "GP3"},
	} {
		_, err := resolve(t, ofType("m7i.large"), func(s *launch.Spec) { s.VolumeSize, s.VolumeType = wish[0], wish[1] })
		if problem.KindOf(err) != problem.Usage || problem.NextOf(err) == "" {
			t.Errorf("%q: %v", wish, err)
		}
	}
	for _, wish := range [][2]string{{"8", ""}, {"65536", "gp3"}, {"16384", "gp2"}} {
		if _, err := resolve(t, ofType("m7i.large"), func(s *launch.Spec) { s.VolumeSize, s.VolumeType = wish[0], wish[1] }); err != nil {
			t.Errorf("%q: %v", wish, err)
		}
	}
}

func TestWhatCannotHibernateIsRefused(t *testing.T) {
	no, yes := false, true
	tests := map[string]struct {
		offer  offer.Offer
		change func(*launch.Spec)
		able   bool
	}{
		"a type that can":              {ofType("m7i.large"), nil, true},
		"arm64":                        {ofType("m7g.large"), nil, true},
		"a type that cannot":           {ofType("r6i.large"), nil, false},
		"a GPU":                        {ofType("g5.xlarge"), nil, false},
		"bare metal":                   {ofType("m7i.metal-24xl"), nil, false},
		"too much memory":              {ofType("m7i.12xlarge"), nil, false},
		"EC2 says no by the offer":     {offer.Offer{InstanceType: "m7i.large", HibernationSupported: &no}, nil, false},
		"EC2 says yes, too big anyhow": {offer.Offer{InstanceType: "m7i.12xlarge", HibernationSupported: &yes}, nil, false},
		"Ubuntu":                       {ofType("m7i.large"), func(s *launch.Spec) { s.AMI = "ubuntu" }, false},
		"Debian":                       {ofType("m7i.large"), func(s *launch.Spec) { s.AMI = "debian" }, false},
		"PyTorch":                      {ofType("m7i.large"), func(s *launch.Spec) { s.AMI = "pytorch" }, false},
		"a disk with room":             {ofType("m7i.large"), func(s *launch.Spec) { s.VolumeSize = "16" }, true},
		"a disk without":               {ofType("m7i.large"), func(s *launch.Spec) { s.VolumeSize = "15" }, false},
	}
	for name, tt := range tests {
		p, err := resolve(t, tt.offer, func(s *launch.Spec) {
			s.Hibernate = true
			if tt.change != nil {
				tt.change(s)
			}
		})
		switch {
		case tt.able && (err != nil || !p.First().Hibernate):
			t.Errorf("%s: %v", name, err)
		case !tt.able && (problem.KindOf(err) != problem.Usage || problem.NextOf(err) == ""):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHibernationForSixtyDaysAtMost(t *testing.T) {
	for ttl, able := range map[string]bool{"60d": true, "61d": false} {
		s := specOf("m7i.large")
		s.Hibernate, s.TTL = true, ttl
		m := machine(t)
		m.Ceiling = 90 * 24 * time.Hour
		_, err := launch.Resolve(s, m)
		needAgent(t, err)
		if (err == nil) != able || !able && problem.KindOf(err) != problem.Usage {
			t.Errorf("%s: %v", ttl, err)
		}
	}
}

func TestBillOfACandidate(t *testing.T) {
	c := plans(t, ofType("m7i.large"), nil).First()
	b := c.Bill("us-east-1", true)
	if !b.Running().Known() || len(b.Parts()) != 3 || !b.Disk.Estimated || b.HasCredits() {
		t.Errorf("%v of %v", b.Running(), b.Parts())
	}
	if b := c.Bill("us-east-1", false); len(b.Parts()) != 2 {
		t.Errorf("without an address: %v", b.Parts())
	}
	hibernating := plans(t, ofType("m7i.large"), func(s *launch.Spec) { s.Hibernate = true }).First().Bill("us-east-1", true)
	if hibernating.Disk.Cmp(b.Disk) <= 0 || hibernating.Disk.Estimated {
		t.Errorf("the room for memory is not counted: %v", hibernating.Disk)
	}
	gpu := plans(t, ofType("g5.xlarge"), nil).First().Bill("us-east-1", true)
	if gpu.Running().Known() || len(gpu.Unknown()) != 1 {
		t.Errorf("the size of the image's disk is known from nowhere: %v", gpu.Parts())
	}
}
