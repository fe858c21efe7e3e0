package house_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the repository's root, as seen from this package.
const root = "../.."

func TestTheWallsStand(t *testing.T) {
	touchSources(t)
	for _, system := range []string{"linux", "darwin", "windows"} {
		t.Run(system, func(t *testing.T) {
			built := survey(t, system)
			for _, w := range walls() {
				t.Run(w.name, func(t *testing.T) {
					for _, breach := range w.breaches(built) {
						t.Errorf("%s\nthe wall: %s, because %s", breach, w.name, w.why)
					}
				})
			}
		})
	}
}

// survey asks the go command what is built for a system. A package that does
// not compile is surveyed as far as it goes: compiling is another test's matter.
func survey(t *testing.T, system string) house {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Doc,Imports,Deps,Standard,DepOnly", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	built, err := read(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := built["internal/house"]; !there {
		t.Fatalf("the survey does not know the package it is made by; is %s still the module's path?", module)
	}
	return built
}

// read reads what go list printed: one object after another.
func read(list []byte) (house, error) {
	standardLibrary := map[string]bool{}
	built := house{}
	for dec := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct {
			ImportPath, Doc string
			Imports, Deps   []string
			Standard        bool
			DepOnly         bool
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the list of packages: %w", err)
		}
		if p.Standard {
			standardLibrary[p.ImportPath] = true
		}
		if !p.DepOnly {
			built[short(p.ImportPath)] = pkg{Doc: p.Doc, Imports: p.Imports, Deps: p.Deps}
		}
	}
	for name, p := range built {
		for i, to := range p.Imports {
			p.Imports[i] = short(to)
		}
		p.Deps = slices.DeleteFunc(p.Deps, func(to string) bool { return standardLibrary[to] })
		for i, to := range p.Deps {
			p.Deps[i] = short(to)
		}
		built[name] = p
	}
	return built, nil
}

func short(path string) string { return strings.TrimPrefix(path, module) }

// TestTheLocalCloudDoesNotSpeakOfUs: a cloud that knew our tags could only agree
// with us.
func TestTheLocalCloudDoesNotSpeakOfUs(t *testing.T) {
	walk(t, func(path string) {
		if !within(path, "internal/local") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/testdata/") {
			return
		}
		for n, line := range strings.Split(contents(t, path), "\n") {
			if strings.Contains(line, "spawn:") {
				t.Errorf("%s:%d speaks of a tag of ours; the local cloud is EC2, not a mirror of us", path, n+1)
			}
		}
	})
}

func TestNamesSayWhatIsInside(t *testing.T) {
	walk(t, func(path string) {
		if word := emptyName(path); word != "" {
			t.Errorf("%s: %q says nothing of what is inside", path, word)
		}
	})
}

// emptyName is the word in the path of a Go file that could stand for anything,
// or "".
func emptyName(path string) string {
	if !strings.HasSuffix(path, ".go") {
		return ""
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(path, ".go"), "/") {
		for word := range strings.SplitSeq(part, "_") {
			switch word {
			case "util", "utils", "helper", "helpers", "common", "misc", "manager", "managers":
				return word
			}
		}
	}
	return ""
}

// touchSources reads every Go file. The go command remembers that a test passed
// and what files it opened, but not what the processes that it ran looked at:
// without this, a wall broken in another package would still be "ok (cached)".
func touchSources(t *testing.T) {
	t.Helper()
	walk(t, func(path string) {
		if strings.HasSuffix(path, ".go") || path == "go.mod" {
			contents(t, path)
		}
	})
}

// walk visits the repository's files, named from its root with slashes. Hidden
// folders and what was built are passed over.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // made and removed by somebody else meanwhile
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		hidden := strings.HasPrefix(entry.Name(), ".") && rel != "."
		switch {
		case entry.IsDir() && (hidden || rel == "bin" || rel == "dist" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.Type().IsRegular() && !hidden:
			visit(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}
