package cp

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/problem"
)

func TestOneInstanceIsOnOneSide(t *testing.T) {
	for _, tt := range []struct {
		paths []string
		want  transfer // without an instance: refused
	}{
		{[]string{"a", "b", "box:"}, transfer{instance: "box", upload: true, sources: []string{"a", "b"}, to: ""}},
		{[]string{"box:x y", "."}, transfer{instance: "box", sources: []string{"x y"}, to: "."}},
		{[]string{"box:a", "box:b", "/tmp"}, transfer{instance: "box", sources: []string{"a", "b"}, to: "/tmp"}},
		{[]string{"./a:b", "i-0123:/tmp/c:d"}, transfer{instance: "i-0123", upload: true, sources: []string{"./a:b"}, to: "/tmp/c:d"}},
		{[]string{"a", "b"}, transfer{}},
		{[]string{"box:a", "b", "c"}, transfer{}},
		{[]string{"box:a", "other:b", "c"}, transfer{}},
		{[]string{"box:a", "other:b"}, transfer{}},
		{[]string{":a", "b"}, transfer{}},
		{[]string{"a", ":b"}, transfer{}},
	} {
		got, err := parse(tt.paths)
		if tt.want.instance == "" {
			if problem.KindOf(err) != problem.Usage {
				t.Errorf("%q: %+v, %v", tt.paths, got, err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(transfer{})); err != nil || diff != "" {
			t.Errorf("%q: %v %s", tt.paths, err, diff)
		}
	}
}

// An instance that answers with another archive than was asked for reaches no
// file outside of the folder.
func TestNothingIsWrittenOutsideTheFolder(t *testing.T) {
	for _, name := range []string{"../evil", "a/../../evil", "/tmp/../evil", "link/evil"} {
		top := t.TempDir()
		into := filepath.Join(top, "into")
		if err := os.Mkdir(into, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(top, filepath.Join(into, "link")); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		out := tar.NewWriter(&b)
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if err := extract(&b, into, ""); err == nil {
			t.Errorf("%s was accepted", name)
		}
		if _, err := os.Stat(filepath.Join(top, "evil")); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}
