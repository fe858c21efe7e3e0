package account_test

import (
	"bytes"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
	"github.com/spawn-ec2/spawn/internal/sshx"
)

// maker records what an Ensure says that it made.
type maker struct {
	mu   sync.Mutex
	made []string
}

func (m *maker) note(kind account.Kind, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, string(kind)+" "+id)
}

func origin() lifecycle.Origin {
	return lifecycle.Origin{Owner: "arn:aws:iam::123456789012:user/u", Launch: "test", Created: time.Now()}
}

func identify(t *testing.T, target *awsx.Target) account.Identity {
	t.Helper()
	who, err := account.Identify(t.Context(), account.STSOf(target))
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// newKey makes a key in a home of its own.
func newKey(t *testing.T) sshx.Key {
	t.Helper()
	key, err := sshx.CreateKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestIdentify(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		who := identify(t, c.Target)
		if len(who.Account) != 12 || who.Partition != "aws" {
			t.Errorf("got %+v", who)
		}
	})
}

func TestKeyIsImportedOnceUnderWhateverName(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		var m maker
		first, second := newKey(t), newKey(t)
		ensure := func(k sshx.Key) string {
			name, err := account.EnsureKey(t.Context(), api, k, origin, m.note)
			if err != nil {
				t.Fatal(err)
			}
			return name
		}
		if got := ensure(first); got != account.DefaultKeyName {
			t.Errorf("the first key is called %s", got)
		}
		if got := ensure(first); got != account.DefaultKeyName {
			t.Errorf("the same key is called %s the second time", got)
		}
		other := ensure(second)
		if other == account.DefaultKeyName || ensure(second) != other {
			t.Errorf("another key is called %s", other)
		}
		if len(m.made) != 2 {
			t.Errorf("made %q", m.made)
		}
		out, err := api.DescribeKeyPairs(t.Context(), &ec2.DescribeKeyPairsInput{KeyNames: []string{account.DefaultKeyName}})
		if err != nil {
			t.Fatal(err)
		}
		tags := account.TagMap(out.KeyPairs[0].Tags)
		if !lifecycle.Kept(tags) || tags[lifecycle.TagImported] != "true" {
			t.Errorf("tags %v", tags)
		}
	})
}

func TestKeyOfTheUsersOwnNameIsFound(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		key := newKey(t)
		if _, err := api.ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: aws.String("theirs"), PublicKeyMaterial: []byte(key.Public + " someone@somewhere")}); err != nil {
			t.Fatal(err)
		}
		var m maker
		name, err := account.EnsureKey(t.Context(), api, key, origin, m.note)
		if err != nil || name != "theirs" || len(m.made) != 0 {
			t.Errorf("name %q, made %q, error %v", name, m.made, err)
		}
	})
}

func TestSecurityGroupOpensSSHToOneSourceOnly(t *testing.T) {
	source := netip.MustParsePrefix("198.51.100.7/32")
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		var m maker
		first, err := account.EnsureNetwork(t.Context(), api, source, origin, m.note)
		if err != nil {
			t.Fatal(err)
		}
		again, err := account.EnsureNetwork(t.Context(), api, source, origin, m.note)
		if err != nil {
			t.Fatal(err)
		}
		if first.SecurityGroup != again.SecurityGroup || !first.Created || again.Created || len(m.made) != 1 {
			t.Errorf("first %+v, again %+v, made %q", first, again, m.made)
		}
		out, err := api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{first.SecurityGroup}})
		if err != nil {
			t.Fatal(err)
		}
		group := out.SecurityGroups[0]
		if !lifecycle.Managed(account.TagMap(group.Tags)) {
			t.Errorf("tags %v", account.TagMap(group.Tags))
		}
		if len(group.IpPermissions) != 1 {
			t.Fatalf("%d rules", len(group.IpPermissions))
		}
		rule := group.IpPermissions[0]
		if aws.ToInt32(rule.FromPort) != 22 || aws.ToInt32(rule.ToPort) != 22 || len(rule.IpRanges) != 1 || aws.ToString(rule.IpRanges[0].CidrIp) != source.String() || len(rule.Ipv6Ranges) != 0 {
			t.Errorf("rule %+v", rule)
		}
	})
}

func TestForeignSecurityGroupIsNotTouched(t *testing.T) {
	source := netip.MustParsePrefix("198.51.100.8/32")
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		vpcs, err := api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := api.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
			GroupName: aws.String(account.SecurityGroupName(source)), Description: aws.String("x"), VpcId: vpcs.Vpcs[0].VpcId,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := account.EnsureNetwork(t.Context(), api, source, origin, new(maker).note); err == nil {
			t.Error("a group that spawn did not make was taken")
		}
		out, err := api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{aws.ToString(theirs.GroupId)}})
		if err != nil || len(out.SecurityGroups[0].IpPermissions) != 0 {
			t.Errorf("it was changed: %+v, %v", out.SecurityGroups, err)
		}
	})
}

func TestRoleIsEnsuredAgainAndAgain(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		who := identify(t, c.Target)
		var m maker
		for range 2 {
			profile, err := account.EnsureRole(t.Context(), account.IAMOf(c.Target), who, origin, m.note)
			if err != nil {
				t.Fatal(err)
			}
			if profile != permissions.AgentRole {
				t.Errorf("the profile is %s", profile)
			}
		}
		if len(m.made) != 1 {
			t.Errorf("made %q", m.made)
		}
		out, err := account.IAMOf(c.Target).GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: aws.String(permissions.AgentRole)})
		if err != nil {
			t.Fatal(err)
		}
		if roles := out.InstanceProfile.Roles; len(roles) != 1 || aws.ToString(roles[0].RoleName) != permissions.AgentRole {
			t.Errorf("roles %+v", roles)
		}
	})
}

func TestObjectIsSentOnce(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		who := identify(t, c.Target)
		api := account.S3Of(c.Target)
		body := bytes.Repeat([]byte("agent"), 300_000)
		var m maker
		var sent []bool
		var bucket string
		for range 2 {
			o, err := account.EnsureObject(t.Context(), api, who, c.Target.Region, "spored/x.gz", body, m.note)
			if err != nil {
				t.Fatal(err)
			}
			bucket, sent = o.Bucket, append(sent, o.Sent)
		}
		if !slices.Equal(sent, []bool{true, false}) || len(m.made) != 1 {
			t.Errorf("sent %v, made %q", sent, m.made)
		}
		got, err := api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("spored/x.gz")})
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		var back bytes.Buffer
		if _, err := back.ReadFrom(got.Body); err != nil || !bytes.Equal(back.Bytes(), body) {
			t.Errorf("%d bytes came back (%v), %d were sent", back.Len(), err, len(body))
		}
	})
}

func TestTenAtOnceMakeOneOfEach(t *testing.T) {
	c := cloudtest.Local(t, nil)
	who := identify(t, c.Target)
	source := netip.MustParsePrefix("198.51.100.9/32")
	key := newKey(t)
	api := c.Target.EC2()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			nothing := func(account.Kind, string) {}
			if _, err := account.EnsureNetwork(t.Context(), api, source, origin, nothing); err != nil {
				t.Error(err)
			}
			if _, err := account.EnsureRole(t.Context(), account.IAMOf(c.Target), who, origin, nothing); err != nil {
				t.Error(err)
			}
			if _, err := account.EnsureObject(t.Context(), account.S3Of(c.Target), who, c.Target.Region, "spored/y.gz", []byte("y"), nothing); err != nil {
				t.Error(err)
			}
			if _, err := account.EnsureKey(t.Context(), api, key, origin, nothing); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	groups, err := api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{lifecycle.TagManaged}}}})
	if err != nil || len(groups.SecurityGroups) != 1 {
		t.Errorf("%d security groups (%v)", len(groups.SecurityGroups), err)
	}
}

func TestParseSource(t *testing.T) {
	for in, want := range map[string]string{"203.0.113.7": "203.0.113.7/32", "203.0.113.7/24": "203.0.113.0/24", "2001:db8::1": "2001:db8::1/128", "0.0.0.0/0": "0.0.0.0/0", "::/0": "::/0", "::ffff:203.0.113.7": "203.0.113.7/32"} {
		if got, err := account.ParseSource(in); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "home", "203.0.113.7/99", "0.0.0.0.0", "203.0.113.7/0", "2001:db8::1/0", "::ffff:203.0.113.7/128"} {
		if got, err := account.ParseSource(in); err == nil {
			t.Errorf("%q was taken for %v", in, got)
		}
	}
}
