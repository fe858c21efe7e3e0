package cloudinit_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/local/runtime/cloudinit"
)

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // a buffer takes everything
	_ = z.Close()
	return b.String()
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// mixed is a MIME message of parts that are whole with their headers.
func mixed(boundary string, parts ...string) string {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\nMIME-Version: 1.0\n\n")
	for _, p := range parts {
		b.WriteString("--" + boundary + "\n" + p + "\n")
	}
	b.WriteString("--" + boundary + "--\n")
	return b.String()
}

// seen is what a part came to, without its error's wording.
type seen struct {
	Type, Name, Body string
	Bad              bool
}

func TestParse(t *testing.T) {
	const script = "#!/bin/sh\necho hi\n"
	hook := "Content-Type: text/cloud-boothook; charset=\"us-ascii\"\nContent-Disposition: attachment; filename=\"arm.sh\"\n\n#!/bin/sh\narm"
	long := "#!/bin/sh\n" + strings.Repeat("# filler\n", 200)
	for name, tt := range map[string]struct {
		in   string
		want []seen
	}{
		"nothing":                {"", nil},
		"blank":                  {" \n\n", nil},
		"bare script":            {script, []seen{{cloudinit.TypeScript, "", script, false}}},
		"gzip script":            {zipped(script), []seen{{cloudinit.TypeScript, "", script, false}}},
		"bare boothook":          {"#cloud-boothook\n" + script, []seen{{cloudinit.TypeBoothook, "", script, false}}},
		"windows line ends":      {"#!/bin/sh\r\necho hi\r\n", []seen{{cloudinit.TypeScript, "", script, false}}},
		"cloud-config":           {"#cloud-config\na: 1\n", []seen{{"text/cloud-config", "", "#cloud-config\na: 1\n", false}}},
		"unknown":                {"hello\n", []seen{{"", "", "hello\n", false}}},
		"script with MIME in it": {"#!/bin/sh\necho 'MIME-Version: 1.0'\n", []seen{{cloudinit.TypeScript, "", "#!/bin/sh\necho 'MIME-Version: 1.0'\n", false}}},
		"multipart": {mixed("BB", hook, "Content-Type: text/x-shellscript\nContent-Transfer-Encoding: 7bit\n\n"+script), []seen{
			{cloudinit.TypeBoothook, "arm.sh", "#!/bin/sh\narm", false}, {cloudinit.TypeScript, "", script, false},
		}},
		"gzip multipart": {zipped(mixed("BB", hook)), []seen{{cloudinit.TypeBoothook, "arm.sh", "#!/bin/sh\narm", false}}},
		"base64 in lines": {mixed("BB", "Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n"+
			b64(long)[:76]+"\n"+b64(long)[76:]), []seen{{cloudinit.TypeScript, "", long, false}}},
		"gzip within base64": {
			mixed("BB", "Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n"+b64(zipped(script))),
			[]seen{{cloudinit.TypeScript, "", script, false}},
		},
		"8bit and plain text sniffed": {
			mixed("BB", "Content-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n#!/bin/sh\necho ü"),
			[]seen{{cloudinit.TypeScript, "", "#!/bin/sh\necho ü", false}},
		},
		"nested": {mixed("OUT", mixed("IN", hook), "Content-Type: text/x-shellscript\n\n#!/bin/sh"), []seen{
			{cloudinit.TypeBoothook, "arm.sh", "#!/bin/sh\narm", false}, {cloudinit.TypeScript, "", "#!/bin/sh", false},
		}},
		"a bad part spares the others": {mixed("BB", "Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n!!!", hook), []seen{
			{cloudinit.TypeScript, "", "", true}, {cloudinit.TypeBoothook, "arm.sh", "#!/bin/sh\narm", false},
		}},
		"unknown transfer encoding": {mixed("BB", "Content-Type: text/x-shellscript\nContent-Transfer-Encoding: x-uue\n\nabc"), []seen{{cloudinit.TypeScript, "", "", true}}},
		"no boundary":               {"Content-Type: multipart/mixed\n\nabc", []seen{{"multipart/mixed", "", "", true}}},
		"cut short":                 {"Content-Type: multipart/mixed; boundary=BB\n\n--BB\n" + hook, []seen{{cloudinit.TypeBoothook, "arm.sh", "", true}}},
		"single MIME entity":        {"MIME-Version: 1.0\nContent-Type: text/x-shellscript\n\n" + script, []seen{{cloudinit.TypeScript, "", script, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := cloudinit.Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			var got []seen
			for _, p := range parts {
				got = append(got, seen{p.Type, p.Name, string(p.Body), p.Err != nil})
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseRefusesABomb(t *testing.T) {
	if _, err := cloudinit.Parse([]byte(zipped(strings.Repeat("\x00", 17<<20)))); err == nil {
		t.Error("17 MiB out of a few bytes were accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n"))
	f.Add([]byte(mixed("BB", "Content-Type: text/x-shellscript\n\n#!/bin/sh")))
	f.Add([]byte(zipped("#cloud-boothook\n#!/bin/sh\n")))
	f.Fuzz(func(t *testing.T, in []byte) {
		parts, err := cloudinit.Parse(in)
		if err != nil && parts != nil {
			t.Error("an error came with parts")
		}
		for _, p := range parts {
			if p.Err != nil && p.Body != nil {
				t.Error("a part that cannot be used has a body")
			}
		}
	})
}
