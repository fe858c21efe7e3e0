package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestItCompilesElsewhere: what runs on laptops is type-checked for each system, tests
// included. Of other people's packages only what
// they declare is read, which takes seconds where compiling takes minutes.
func TestItCompilesElsewhere(t *testing.T) {
	home, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []string{"darwin/arm64", "windows/amd64"} {
		t.Run(system, func(t *testing.T) {
			name, processor, _ := strings.Cut(system, "/")
			found, err := packages.Load(&packages.Config{
				Mode:      packages.LoadAllSyntax,
				Dir:       root,
				Env:       append(os.Environ(), "GOOS="+name, "GOARCH="+processor, "CGO_ENABLED=0"),
				Tests:     true,
				ParseFile: declarations(home),
			}, "./cmd/spawn", "./cmd/truffle", "./internal/...")
			if err != nil {
				t.Fatal(err)
			}
			ours := 0
			packages.Visit(found, nil, func(p *packages.Package) {
				if generated := strings.HasSuffix(p.PkgPath, ".test"); generated || !strings.HasPrefix(p.PkgPath, module) {
					return
				}
				ours++
				for _, e := range p.Errors {
					t.Error(e)
				}
			})
			if ours < 50 {
				t.Errorf("only %d packages were looked at", ours)
			}
		})
	}
}

// declarations parses files, and leaves the bodies of functions out that are not
// below home.
func declarations(home string) func(*token.FileSet, string, []byte) (*ast.File, error) {
	return func(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
		file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if file == nil || strings.HasPrefix(name, home+string(filepath.Separator)) {
			return file, err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				f.Body = nil
			}
		}
		return file, err
	}
}
