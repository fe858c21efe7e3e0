package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// module is a source: a module version with its checksum as go.sum has it.
type module struct {
	path    string
	version string
	sum     string
}

// The sources. A newer version is taken by changing version and sum together,
// running the generator and reading the difference it makes.
var (
	// Specifications, zones and prices of every region, as ec2instances.info
	// had them.
	instancesInfo = module{
		"github.com/cristim/ec2-instances-info", "v0.0.0-20250528091325-32acf84f42eb",
		"h1:exJ9FsMTbotSG5xgDHmFJE84gV3MZ4JRpR8nhbgJz/k=",
	}
	// Newer on-demand prices of us-east-1 and GovCloud, and network limits.
	karpenter = module{
		"github.com/aws/karpenter-provider-aws", "v1.14.1",
		"h1:WGtIQTQcxpElYMdWfWuPwaF2+9muR+hYhPZsTtoY8Gs=",
	}
	// The names of all types.
	sdk = module{
		"github.com/aws/aws-sdk-go-v2/service/ec2", "v1.321.1",
		"h1:rywWzHJUn9975OI1crMvzPzCPnwm1n5yVmU0HDc/izE=",
	}
)

// fetched is a module in the module cache.
type fetched struct {
	dir string
	day string // when the version was made, 2006-01-02
}

// fetch puts the module into the module cache, which verifies it against the
// checksum database, and compares its checksum with the one written here.
func (m module) fetch(ctx context.Context) (fetched, error) {
	name := m.path + "@" + m.version
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", name)
	cmd.Dir = os.TempDir() // outside any module, so that ours does not decide versions
	out, runErr := cmd.Output()
	var answer struct{ Dir, Info, Sum, Error string }
	if err := json.Unmarshal(out, &answer); err != nil {
		return fetched{}, fmt.Errorf("download %s: %w", name, runErr)
	}
	if answer.Error != "" {
		return fetched{}, fmt.Errorf("download %s: %s", name, answer.Error)
	}
	if answer.Sum != m.sum {
		return fetched{}, fmt.Errorf("download %s: its checksum is %s, not %s", name, answer.Sum, m.sum)
	}
	text, err := os.ReadFile(answer.Info)
	if err != nil {
		return fetched{}, fmt.Errorf("read when %s was made: %w", name, err)
	}
	var info struct{ Time time.Time }
	if err := json.Unmarshal(text, &info); err != nil {
		return fetched{}, fmt.Errorf("read when %s was made: %w", name, err)
	}
	return fetched{dir: answer.Dir, day: info.Time.UTC().Format(time.DateOnly)}, nil
}
