package launch_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func machine(t *testing.T) launch.Machine {
	t.Helper()
	return launch.Machine{Region: "us-east-1", Home: t.TempDir(), Ceiling: lifecycle.DefaultCeiling}
}

func specOf(instanceType string) launch.Spec {
	return launch.Spec{Offer: offer.Offer{InstanceType: instanceType}}
}

func TestImageFollowsArchitectureAndGPU(t *testing.T) {
	const plain = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
	const nvidia = "/aws/service/deeplearning/ami/"
	for name, want := range map[string]string{
		"m7i.large":   plain + "x86_64",
		"m8g.xlarge":  plain + "arm64",
		"p5.48xlarge": nvidia + "x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
		"g5g.xlarge":  nvidia + "arm64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
		"g4ad.xlarge": plain + "x86_64", // an AMD GPU, which the NVIDIA image is not for
	} {
		p, err := launch.Resolve(specOf(name), machine(t))
		if err != nil {
			needAgent(t, err)
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.First().Image.Parameter != want {
			t.Errorf("%s boots %s, want %s", name, p.First().Image.Parameter, want)
		}
	}
}

// needAgent skips where the agents that spawn embeds were not built.
func needAgent(t *testing.T, err error) {
	t.Helper()
	if next := problem.NextOf(err); next == "build it with: make build" {
		t.Skip("the agents are not built (make test builds them first)")
	}
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		change func(*launch.Spec)
		want   problem.Kind
	}{
		"no type":             {func(s *launch.Spec) { s.Offer.InstanceType = "" }, problem.Usage},
		"unknown type":        {func(s *launch.Spec) { s.Offer.InstanceType = "m7i.lagre" }, problem.NotFound},
		"unknown region":      {func(s *launch.Spec) { s.Region = "us-nowhere-1" }, problem.NotFound},
		"a name with a space": {func(s *launch.Spec) { s.Name = "a b" }, problem.Usage},
		"a name like an id":   {func(s *launch.Spec) { s.Name = "i-0123456789abcdef0" }, problem.Usage},
		"a name like a flag":  {func(s *launch.Spec) { s.Name = "-x" }, problem.Usage},
		"nonsense as a ttl":   {func(s *launch.Spec) { s.TTL = "banana" }, problem.Usage},
		"a ttl too long":      {func(s *launch.Spec) { s.TTL = "31d" }, problem.Usage},
		"a zone elsewhere": {func(s *launch.Spec) {
			s.Region, s.Offer.Region, s.Offer.AvailabilityZone = "us-east-1", "eu-west-1", "eu-west-1a"
		}, problem.Usage},
		"a Mac": {func(s *launch.Spec) { s.Offer.InstanceType = "mac1.metal" }, problem.Usage},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := specOf("m7i.large")
			tt.change(&s)
			m := machine(t)
			s.CreateKey = true
			_, err := launch.Resolve(s, m)
			if err == nil || problem.KindOf(err) != tt.want {
				t.Fatalf("got %v of kind %d, want kind %d", err, problem.KindOf(err), tt.want)
			}
			if left, err := os.ReadDir(m.Home); err != nil || len(left) > 0 {
				t.Errorf("something was made: %v, %v", left, err)
			}
		})
	}
}

func TestLifetimeOfAPlan(t *testing.T) {
	for ttl, want := range map[string]time.Duration{"": 8 * time.Hour, "90s": 90 * time.Second, "none": 30 * 24 * time.Hour} {
		s := specOf("m7i.large")
		s.TTL = ttl
		p, err := launch.Resolve(s, machine(t))
		if err != nil {
			needAgent(t, err)
			t.Fatal(err)
		}
		if p.Lifetime.TTL != want {
			t.Errorf("%q: %v, want %v", ttl, p.Lifetime.TTL, want)
		}
	}
}

func TestKeyIsMadeOnlyWhenAsked(t *testing.T) {
	m := machine(t)
	m.KeyNeeded = true
	if _, err := launch.Resolve(specOf("m7i.large"), m); problem.KindOf(err) != problem.Usage {
		needAgent(t, err)
		t.Errorf("without a key and with none to be made: %v", err)
	}
	s := specOf("m7i.large")
	s.CreateKey = true
	p, err := launch.Resolve(s, m)
	if err != nil || p.Key == nil {
		needAgent(t, err)
		t.Fatalf("plan %+v, error %v", p.Key, err)
	}
	again, err := launch.Resolve(s, m)
	if err != nil || again.Key.Public != p.Key.Public {
		t.Errorf("a second key was made: %v", err)
	}
	if _, err := os.Stat(filepath.Join(m.Home, ".ssh", "id_ed25519")); err != nil {
		t.Error(err)
	}
}
