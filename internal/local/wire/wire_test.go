package wire_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type form struct {
	DryRun    bool
	Name      string
	Count     *int32
	Ids       []string `query:"InstanceId"`
	Material  []byte
	Placement *struct{ AvailabilityZone string }
	Specs     []struct {
		ResourceType string
		Tags         []struct{ Key, Value string } `query:"Tag"`
	} `query:"TagSpecification"`
	Members []string `query:"Tags,member"`
}

func TestDecodeQuery(t *testing.T) {
	var got form
	err := wire.DecodeQuery(url.Values{
		"Action": {"X"}, "Version": {"1"}, "DryRun": {"true"}, "Name": {"n"}, "Count": {"0"},
		"InstanceId.10": {"ten"}, "InstanceId.9": {"nine"}, "Material": {"aGVsbG8="},
		"Placement.AvailabilityZone":      {"us-east-1a"},
		"TagSpecification.1.ResourceType": {"instance"},
		"TagSpecification.1.Tag.1.Key":    {"a.b"},
		"TagSpecification.1.Tag.1.Value":  {""},
		"Tags.member.1":                   {"m"},
		"TagSpecification.2.ResourceType": {"volume"},
		"TagSpecification.2.Tag.1.Key":    {"k"},
		"TagSpecification.2.Tag.1.Value":  {"v"},
	}, &got)
	if err != nil {
		t.Fatal(err)
	}
	if !got.DryRun || got.Name != "n" || got.Count == nil || *got.Count != 0 || string(got.Material) != "hello" {
		t.Errorf("scalars: %+v", got)
	}
	if diff := cmp.Diff([]string{"nine", "ten"}, got.Ids); diff != "" {
		t.Error(diff)
	}
	if got.Placement == nil || got.Placement.AvailabilityZone != "us-east-1a" {
		t.Errorf("placement: %+v", got.Placement)
	}
	if len(got.Specs) != 2 || got.Specs[0].Tags[0].Key != "a.b" || got.Specs[1].Tags[0].Value != "v" {
		t.Errorf("specifications: %+v", got.Specs)
	}
	if diff := cmp.Diff([]string{"m"}, got.Members); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeQueryRefuses(t *testing.T) {
	for name, f := range map[string]url.Values{
		"unknown":           {"Colour": {"red"}},
		"unknown below":     {"TagSpecification.1.Colour": {"red"}},
		"not an integer":    {"Count": {"many"}},
		"too large":         {"Count": {"4294967296"}},
		"not a boolean":     {"DryRun": {"maybe"}},
		"not base64":        {"Material": {"%"}},
		"given twice":       {"Name": {"a", "b"}},
		"list not numbered": {"InstanceId.first": {"i"}},
		"number from zero":  {"InstanceId.0": {"i"}},
		"scalar as struct":  {"Name.Part": {"x"}},
		"deep":              {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a": {"x"}},
	} {
		var got form
		var bad *wire.ParameterError
		if err := wire.DecodeQuery(f, &got); !errors.As(err, &bad) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAnswersAndFailuresAreWellFormed(t *testing.T) {
	type item struct {
		Name string `xml:"name"`
	}
	type out struct {
		List  wire.Items[item]   `xml:"set"`
		Empty wire.Items[string] `xml:"empty"`
	}
	b, err := wire.EC2().Answer("Do", "r-1", &out{List: wire.Items[item]{{"<a>"}, {"b"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		XMLName xml.Name
		ID      string    `xml:"requestId"`
		List    []item    `xml:"set>item"`
		Empty   *struct{} `xml:"empty"`
	}
	if err := xml.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.XMLName.Local != "DoResponse" || got.ID != "r-1" || len(got.List) != 2 || got.List[0].Name != "<a>" {
		t.Errorf("%s", b)
	}
	if got.Empty == nil {
		t.Error("an empty list is not written")
	}
	e := wire.Errorf("Some.Code", "a < b & c")
	for _, p := range []wire.Protocol{wire.EC2(), wire.IAM(), wire.S3()} {
		var envelope struct {
			Inner string `xml:",innerxml"`
		}
		if err := xml.Unmarshal(p.Failure(e, "r-1", "/b/k"), &envelope); err != nil {
			t.Error(err)
		}
	}
}

func FuzzDecodeQuery(f *testing.F) {
	f.Add("Name=n&InstanceId.1=a&TagSpecification.1.Tag.1.Key=k")
	f.Add("InstanceId.18446744073709551616=a&Tags.member.1=m&Tags=")
	f.Fuzz(func(t *testing.T, s string) {
		values, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		var got form
		var bad *wire.ParameterError
		if err := wire.DecodeQuery(values, &got); err != nil && !errors.As(err, &bad) {
			t.Errorf("%q: %v is not a ParameterError", s, err)
		}
	})
}

// Whatever is in the state, and whatever a client sent that an error repeats,
// answers are well formed and bring it back as far as XML can carry it.
func FuzzAnswers(f *testing.F) {
	f.Add("<a>&amp;]]>", "plain")
	f.Add("\x00\xff\r\n\t", "é\u2028\ufffe")
	f.Fuzz(func(t *testing.T, text, key string) {
		type out struct {
			List wire.Items[string] `xml:"set"`
			Key  string             `xml:"key,omitempty"`
		}
		for _, p := range []wire.Protocol{wire.EC2(), wire.IAM(), wire.STS(), wire.S3()} {
			answer, err := p.Answer("Do", "r-1", &out{List: wire.Items[string]{text}, Key: key})
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			for _, document := range [][]byte{answer, p.Failure(wire.Errorf("Some.Code", "%s", text), "r-1", key)} {
				var envelope struct {
					Inner string `xml:",innerxml"`
				}
				if err := xml.Unmarshal(document, &envelope); err != nil {
					t.Errorf("%q, %q: %v in %s", text, key, err, document)
				}
			}
		}
		for _, p := range []wire.Protocol{wire.JSON("T"), wire.REST()} {
			if document := p.Failure(wire.Errorf("Some.Code", "%s", text), "r-1", key); !json.Valid(document) {
				t.Errorf("%q: %s", text, document)
			}
		}
	})
}
