package local_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"
)

func (w *world) group(name string) string {
	w.t.Helper()
	out, err := w.ec2(w.admin()).CreateSecurityGroup(w.t.Context(), &ec2.CreateSecurityGroupInput{GroupName: &name, Description: aws.String("a group")})
	noError(w.t, err)
	return *out.GroupId
}

func ssh22(cidr string) []types.IpPermission {
	return []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), IpRanges: []types.IpRange{{CidrIp: &cidr}}}}
}

func TestSecurityGroupCannotGoWhileInUse(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	group := w.group("mine")
	id := *w.run(func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{group} }).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	remove := func() error {
		_, err := api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group})
		return err
	}
	wantCode(t, remove(), "DependencyViolation")
	machine := w.machines.get(id)
	machine.slow = make(chan struct{})
	_, err := api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameShuttingDown)
	wantCode(t, remove(), "DependencyViolation")
	close(machine.slow)
	w.await(id, types.InstanceStateNameTerminated)
	noError(t, remove())
	wantCode(t, remove(), "InvalidGroup.NotFound")
}

func TestSecurityGroups(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	group := w.group("mine")
	_, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("mine"), Description: aws.String("again")})
	wantCode(t, err, "InvalidGroup.Duplicate")
	allow := func(p []types.IpPermission) error {
		_, err := api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: p})
		return err
	}
	noError(t, allow(ssh22("192.0.2.1/32")))
	wantCode(t, allow(ssh22("192.0.2.1/32")), "InvalidPermission.Duplicate")
	wantCode(t, allow(append(ssh22("192.0.2.2/32"), ssh22("192.0.2.1/32")...)), "InvalidPermission.Duplicate")
	wantCode(t, allow(ssh22("192.0.2.300/32")), "InvalidParameterValue")
	noError(t, allow([]types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22),
		Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("2001:db8::1/128")}}, UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &group}},
	}}))
	out, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{{Name: aws.String("group-name"), Values: []string{"mine"}}}})
	noError(t, err)
	g := out.SecurityGroups[0]
	if len(g.IpPermissions) != 1 || len(g.IpPermissions[0].IpRanges) != 1 || len(g.IpPermissions[0].Ipv6Ranges) != 1 || len(g.IpPermissions[0].UserIdGroupPairs) != 1 {
		t.Errorf("it lets in %+v", g.IpPermissions)
	}
	all, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"default"}})
	noError(t, err)
	_, err = api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: all.SecurityGroups[0].GroupId})
	wantCode(t, err, "CannotDelete")
	second := w.group("second")
	_, err = api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &second, IpPermissions: []types.IpPermission{
		{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &group}}},
	}})
	noError(t, err)
	_, err = api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group})
	wantCode(t, err, "DependencyViolation")
}

func TestVolumesAndInterfacesOfAnInstance(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	group := w.group("mine")
	id := *w.run(func(in *ec2.RunInstancesInput) {
		in.SecurityGroupIds = []string{group}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/sdb"),
			Ebs:        &types.EbsBlockDevice{VolumeSize: aws.Int32(1), DeleteOnTermination: aws.Bool(false)},
		}}
		for _, kind := range []types.ResourceType{"volume", "network-interface"} {
			in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
		}
	}).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	interfaces, err := api.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{
		{Name: aws.String("group-id"), Values: []string{group}}, {Name: aws.String("tag:k"), Values: []string{"v"}},
	}})
	noError(t, err)
	if len(interfaces.NetworkInterfaces) != 1 || *interfaces.NetworkInterfaces[0].Attachment.InstanceId != id {
		t.Errorf("interfaces: %+v", interfaces.NetworkInterfaces)
	}
	tagged, err := api.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("resource-type"), Values: []string{"volume"}}}})
	noError(t, err)
	if len(tagged.Tags) != 2 {
		t.Errorf("%d volumes are tagged, not 2", len(tagged.Tags))
	}
	volume := tagged.Tags[1].ResourceId
	_, err = api.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: volume})
	wantCode(t, err, "VolumeInUse")
	_, err = api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameTerminated)
	left, err := api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{{Name: aws.String("status"), Values: []string{"available"}}}})
	noError(t, err)
	if len(left.Volumes) != 1 || *left.Volumes[0].VolumeId != *volume {
		t.Fatalf("left are %+v", left.Volumes)
	}
	_, err = api.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: volume})
	noError(t, err)
	_, err = api.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: volume})
	wantCode(t, err, "InvalidVolume.NotFound")
}

func publicKey(t *testing.T, key any) string {
	t.Helper()
	p, err := ssh.NewPublicKey(key)
	noError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p)))
}

func TestKeyPairs(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	noError(t, err)
	text := publicKey(t, public)
	imported, err := api.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("k"), PublicKeyMaterial: []byte(text + " me@laptop\n")})
	noError(t, err)
	_, err = api.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("k"), PublicKeyMaterial: []byte(text)})
	wantCode(t, err, "InvalidKeyPair.Duplicate")
	_, err = api.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("k2"), PublicKeyMaterial: []byte("ssh-ed25519 nonsense")})
	wantCode(t, err, "InvalidKey.Format")
	out, err := api.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{"k"}, IncludePublicKey: aws.Bool(true)})
	noError(t, err)
	if k := out.KeyPairs[0]; *k.PublicKey != text+" k" || *k.KeyPairId != *imported.KeyPairId || k.KeyType != types.KeyTypeEd25519 {
		t.Errorf("it is %+v", k)
	}
	_, err = api.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{"none"}})
	wantCode(t, err, "InvalidKeyPair.NotFound")
	for range 2 {
		_, err = api.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String("k")})
		noError(t, err)
	}
}

// The fingerprints of known keys, as ssh-keygen -l and openssl tell them, in
// the form of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html
func TestFingerprints(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	noError(t, err)
	public, _, err := ed25519.GenerateKey(rand.Reader)
	noError(t, err)
	p, err := ssh.NewPublicKey(public)
	noError(t, err)
	sha := strings.TrimPrefix(ssh.FingerprintSHA256(p), "SHA256:")
	for name, c := range map[string]struct {
		key  string
		fits func(string) bool
	}{
		"rsa":     {publicKey(t, &key.PublicKey), func(s string) bool { return len(s) == 47 && strings.Count(s, ":") == 15 }},
		"ed25519": {publicKey(t, public), func(s string) bool { return strings.TrimRight(s, "=") == sha }},
	} {
		out, err := api.ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: &name, PublicKeyMaterial: []byte(c.key)})
		noError(t, err)
		if !c.fits(*out.KeyFingerprint) {
			t.Errorf("%s: %s", name, *out.KeyFingerprint)
		}
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	id := *w.run(func(in *ec2.RunInstancesInput) {
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: "enabled"}
	}).InstanceId
	set := func(ids []string, pairs ...string) error {
		in := &ec2.CreateTagsInput{Resources: ids}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := api.CreateTags(ctx, in)
		return err
	}
	noError(t, set([]string{id}, "a", "1", "b:c", "2"))
	noError(t, set([]string{id}, "a", "3"))
	wantCode(t, set([]string{id}, "a/b", "1"), "InvalidParameterValue")
	wantCode(t, set([]string{id, "i-00000000000000000"}, "a", "4"), "InvalidInstanceID.NotFound")
	wantCode(t, set([]string{"nothing"}, "a", "4"), "InvalidID")
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprint("k", i), "")
	}
	wantCode(t, set([]string{id}, many...), "TagLimitExceeded")
	_, err := api.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{
		{Key: aws.String("a"), Value: aws.String("not this")}, {Key: aws.String("b:c")},
	}})
	noError(t, err)
	if tags := w.describe(id).Tags; len(tags) != 1 || *tags[0].Key != "a" || *tags[0].Value != "3" {
		t.Errorf("the tags are %+v", tags)
	}
}

func TestPlacesAndImages(t *testing.T) {
	w := newWorld(t)
	api, ctx := w.ec2(w.admin()), t.Context()
	regions, err := api.DescribeRegions(ctx, &ec2.DescribeRegionsInput{RegionNames: []string{"eu-west-1", "us-east-1"}})
	noError(t, err)
	zones, err := api.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	noError(t, err)
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{{Name: aws.String("default-for-az"), Values: []string{"true"}}}})
	noError(t, err)
	if len(regions.Regions) != 2 || len(zones.AvailabilityZones) == 0 || len(subnets.Subnets) != len(zones.AvailabilityZones) {
		t.Errorf("%d regions, %d zones, %d subnets", len(regions.Regions), len(zones.AvailabilityZones), len(subnets.Subnets))
	}
	image := w.run(nil).ImageId
	out, err := api.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{*image}})
	noError(t, err)
	if m := out.Images[0]; *m.RootDeviceName != "/dev/xvda" || m.Architecture != "x86_64" || *m.BlockDeviceMappings[0].Ebs.VolumeSize < 8 {
		t.Errorf("the image is %+v", m)
	}
	_, err = api.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{"ami-00000000000000000"}})
	wantCode(t, err, "InvalidAMIID.NotFound")
}

func TestMetadataOfAnInstance(t *testing.T) {
	w := newWorld(t)
	public, _, err := ed25519.GenerateKey(rand.Reader)
	noError(t, err)
	_, err = w.ec2(w.admin()).ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: aws.String("k"), PublicKeyMaterial: []byte(publicKey(t, public))})
	noError(t, err)
	i := w.run(func(in *ec2.RunInstancesInput) {
		in.KeyName = aws.String("k")
		in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")))
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: "enabled", HttpTokens: "required"}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("x:deadline"), Value: aws.String("soon")}}}}
	})
	w.await(*i.InstanceId, types.InstanceStateNameRunning)
	m := w.machines.get(*i.InstanceId)
	for path, want := range map[string]string{
		"/latest/meta-data/instance-id":                 *i.InstanceId,
		"/2023-01-01/meta-data/placement/region":        region,
		"/latest/meta-data/local-ipv4":                  *i.PrivateIpAddress,
		"/latest/meta-data/tags/instance/x:deadline":    "soon",
		"/latest/meta-data/tags/instance/":              "x:deadline",
		"/latest/meta-data/public-keys/":                "0=k",
		"/latest/meta-data/public-keys/0/openssh-key":   publicKey(t, public) + " k",
		"/latest/user-data":                             "#!/bin/sh\n",
		"/latest/meta-data/placement/availability-zone": *i.Placement.AvailabilityZone,
	} {
		if code, got := m.ask(t, path); code != 200 || got != want {
			t.Errorf("%s: %d %q, want %q", path, code, got, want)
		}
	}
	for _, path := range []string{
		"/latest/meta-data/spot/instance-action", "/latest/meta-data/events/recommendations/rebalance",
		"/latest/meta-data/iam/info", "/latest/meta-data/tags/instance/none", "/nothing",
	} {
		if code, body := m.ask(t, path); code != 404 {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if m.spec.Hostname != "ip-"+strings.ReplaceAll(*i.PrivateIpAddress, ".", "-") || m.spec.VCPUs != 2 {
		t.Errorf("the machine is %+v", m.spec)
	}
}
