package find

import (
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/problem"
)

func TestReadWords(t *testing.T) {
	tests := []struct{ text, want string }{
		{"h100 8gpu", "--gpu-model h100 --gpus 8"},
		{"8x a100", "--gpu-model a100 --gpus 8"},
		{"8xa100", "--gpu-model a100 --gpus 8"},
		{"4 NVIDIA L4 gpus", "--gpu-model l4 --gpus 4"},
		{"at least 2 l40s", "--gpu-model l40s --gpus 2+"},
		{"graviton 16 cores 64gb under $1", "--processor graviton --vcpus 16+ --memory 64+ --max-price 1"},
		{"16-core 64GiB ram arm", "--vcpus 16+ --memory 64+ --arch arm64"},
		{"exactly 2 vcpus, at most 1 tb of memory", "--vcpus 2 --memory -1tb"},
		{"4-8 cpus 8+ gb", "--vcpus 4-8 --memory 8+"},
		{"1-2tib", "--memory 1tb-2tb"},
		{"intel, less than 0.25 dollars an hour, 4 cores", "--processor intel --max-price 0.25 --vcpus 4+"},
		{"amd epyc 2 cores", "--processor amd --vcpus 2+"},
		{"amd gpu", "--gpu-model amd --gpus 1+"},
		{"a nvidia gpu with 24gb of vram", "--gpu-model nvidia --gpu-memory 24gb+"},
		{"gpu under $0.5", "--gpus 1+ --max-price 0.5"},
		{"rtx pro 6000", "--gpu-model 'rtx pro 6000'"},
		{"16 trainium", "--gpu-model trainium --accelerators 16"},
		{"inferentia2", "--gpu-model inferentia2"},
		{"t4", "--gpu-model t4"},
		{"t4g", "--family t4g"},
		{"t4g gpu", "--gpu-model t4g"},
		{"cheapest spot 4 cores in Frankfurt", "--vcpus 4+ --region eu-central-1 --spot"},
		{"2 cores in tel aviv and us-east-1", "--vcpus 2+ --region il-central-1,us-east-1"},
		{"t3.micro everywhere", "t3.micro --region all"},
		{"burstable small", "'*.small' --burstable yes"},
		{"m7i m7g 2xlarge", "m7i.2xlarge m7g.2xlarge"},
		{"m7i.* current generation not burstable", "'m7i.*' --current-generation yes --burstable no"},
		{"bare metal", "--bare-metal yes"},
		{"nvme 16 cores", "--local-disk yes --vcpus 16+"},
		{"nvme 900gb local disk", "--local-disk 900+"},
		{"hibernate 25gbps network no gpu", "--hibernation yes --network 25+ --gpus 0"},
	}
	for _, tt := range tests {
		u, err := ReadWords(tt.text)
		if got := Quote(u.Args()); err != nil || got != tt.want {
			t.Errorf("%q: %s %v", tt.text, got, err)
		}
	}
}

// A word that is not understood is named, however much else is understood.
func TestWordsThatAreNotUnderstood(t *testing.T) {
	tests := []struct {
		text  string
		words []string
	}{
		{"fast 4 cores", []string{"fast"}},
		{"h100 or a100", []string{"or"}},
		{"16", []string{"16"}},
		{"4 cores 16", []string{"16"}},
		{"at least", []string{"at", "least"}},
		{"at least at most 4 cores", []string{"at", "least"}},
		{"over $1 4 cores", []string{"$1"}},
		{"4 cores $1 a month", []string{"month"}},
		{"no kubernetes 4 cores", []string{"no", "kubernetes"}},
		{"4 cores in atlantis", []string{"in", "atlantis"}},
		{"h1000", []string{"h1000"}},
		{"4 furlongs", []string{"4", "furlongs"}},
		{"4 cores; rm -rf", []string{"rm", "-rf"}},
		{"", nil},
		{"cheap", nil},
		{"4 cores exactly 8 cores", []string{"vcpus"}},
		{"h100 a100", []string{"gpu-model"}},
	}
	for _, tt := range tests {
		u, err := ReadWords(tt.text)
		if problem.KindOf(err) != problem.Usage || problem.NextOf(err) == "" || len(u.Args()) > 0 {
			t.Errorf("%q: %v %v", tt.text, u, err)
			continue
		}
		for _, w := range tt.words {
			if !slices.Contains(strings.FieldsFunc(err.Error(), func(c rune) bool { return c == ' ' || c == ',' }), w) {
				t.Errorf("%q: %q is not in: %v", tt.text, w, err)
			}
		}
	}
}

// Whatever is typed is refused, or becomes filters that exist.
func FuzzReadWords(f *testing.F) {
	for _, s := range []string{"h100 8gpu", "graviton 16 cores 64gb under $1", "at most", "8x", "$", "no", "rtx pro", "aws", "4-8", "in são paulo", "1-2tb local disk", "<$1 >=4cores"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 60 {
			return // long texts only take longer
		}
		u, err := ReadWords(text)
		if err != nil {
			if problem.KindOf(err) != problem.Usage {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if _, err := ParseFilters(u.Settings, u.Spot); err != nil {
			t.Errorf("%q became %s: %v", text, Quote(u.Args()), err)
		}
	})
}

func TestQuote(t *testing.T) {
	if got := Quote([]string{"m7i.*", "--zone", "us-east-1a", "it's", ""}); got != `'m7i.*' --zone us-east-1a 'it'\''s' ''` {
		t.Error(got)
	}
}
