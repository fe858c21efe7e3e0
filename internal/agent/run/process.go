package run

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
)

// AsProcess runs the agent of an instance that is no machine but this process:
// what the local cloud does where it cannot have namespaces. It cannot warn,
// touch or turn off the machine it runs on: warnings go to the log, and to
// turn the power off is to return nil. Everything else is what spored does.
//
// The environment tells where the metadata service
// (AWS_EC2_METADATA_SERVICE_ENDPOINT) and the API (AWS_ENDPOINT_URL) are;
// without them it refuses, so that it never takes the machine's own for them.
// A policy file is used if the working directory has one, and the last good
// policy is kept there.
func AsProcess(ctx context.Context, log *slog.Logger, version string) error {
	metadataURL, apiURL := os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), os.Getenv("AWS_ENDPOINT_URL")
	if metadataURL == "" || apiURL == "" {
		return fmt.Errorf("run the agent as a process: AWS_EC2_METADATA_SERVICE_ENDPOINT and AWS_ENDPOINT_URL must name its cloud")
	}
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("run the agent as a process: %w", err)
	}
	metadata, begun := sense.NewMetadata(metadataURL), time.Now()
	elapsed := func() time.Duration { return time.Since(begun) }
	client := func(id sense.Identity) *ec2.Client {
		return act.NewEC2(id.Region, apiURL, metadata.Client(), metadata.DialContext)
	}
	return Run(ctx, Options{
		Log:      log,
		Version:  version,
		Now:      time.Now,
		Metadata: sense.NewTags(metadata, "", elapsed, func(id sense.Identity) sense.TagsAPI { return client(id) }),
		Cloud:    func(id sense.Identity) Cloud { return act.NewInstance(client(id), id.InstanceID) },
		Warner:   act.Journal{Log: log},
		Notices:  sense.NewNotices(metadata, elapsed),
		PowerOff: func(ctx context.Context) error {
			log.WarnContext(ctx, "power off: the process ends, and with it its instance")
			return nil
		},
		PolicyFile: filepath.Join(dir, act.PolicyFile),
		StateDir:   dir,
	})
}
