// Package agentbin carries the agent's program inside spawn: spored, built for
// each architecture that EC2 has, compressed. "make agents" builds them before
// spawn is built; without them spawn still compiles, and says what is missing
// when it needs one.
package agentbin

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spawn-ec2/spawn/internal/problem"
)

//go:embed all:builds
var builds embed.FS

// Build is one compressed build of spored.
type Build struct {
	Gzip   []byte // the program, gzip-compressed
	SHA256 string // of Gzip, in hex
}

// For returns the build for an architecture as EC2 names it: x86_64 or arm64.
func For(architecture string) (Build, error) {
	goarch, known := map[string]string{"x86_64": "amd64", "arm64": "arm64"}[architecture]
	if !known {
		return Build{}, problem.New(problem.Failed, "there is no agent for the architecture %q", architecture)
	}
	gz, err := builds.ReadFile("builds/spored-linux-" + goarch + ".gz")
	if errors.Is(err, fs.ErrNotExist) {
		return Build{}, problem.New(problem.Failed, "this spawn was built without its agent for %s", architecture).
			WithNext("build it with: make build")
	}
	if err != nil {
		return Build{}, fmt.Errorf("read the agent for %s: %w", architecture, err)
	}
	sum := sha256.Sum256(gz)
	return Build{Gzip: gz, SHA256: hex.EncodeToString(sum[:])}, nil
}

// Key is the name of the build in a bucket: it is named by its content, so a
// build is uploaded once and never replaced under a running launch.
func (b Build) Key() string { return "spored/" + b.SHA256 + ".gz" }
