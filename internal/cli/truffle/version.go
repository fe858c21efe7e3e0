package truffle

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

func newVersion(f Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and the age of the built-in catalog",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return versionRun(f) },
	}
}

func versionRun(f Factory) error {
	if _, err := fmt.Fprintf(f.Streams.Out, "truffle %s\n", f.Version); err != nil {
		return fmt.Errorf("print the version: %w", err)
	}
	for _, s := range catalog.Sources() {
		if _, err := fmt.Fprintf(f.Streams.Out, "  %s  %s\n", s.AsOf, s.Name); err != nil {
			return fmt.Errorf("print the version: %w", err)
		}
	}
	return nil
}
