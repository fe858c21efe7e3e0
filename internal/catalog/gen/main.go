// Command gen distils the embedded catalog from pinned public sources. It asks
// the go command for three module versions, whose checksums are written here,
// and reads files in them; none is ever imported. The same sources give the
// same bytes.
//
// Run it by `go generate ./internal/catalog`; it needs a module proxy or a
// filled module cache, nothing else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

func main() {
	output := flag.String("o", "catalog.bin", "the file to write")
	flag.Parse()
	os.Exit(generate(*output))
}

func generate(output string) (exit int) {
	// The downloads are some tens of MB; a network that takes longer is stuck.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := run(ctx, output); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, output string) error {
	contents, err := collect(ctx)
	if err != nil {
		return err
	}
	file, err := catalog.Encode(contents)
	if err != nil {
		return err
	}
	if err := os.WriteFile(output, file, 0o644); err != nil { //nolint:gosec // a source file, readable like the others
		return fmt.Errorf("write the catalog: %w", err)
	}
	offerings := 0
	for _, r := range contents.Regions {
		offerings += len(r.Offerings)
	}
	fmt.Printf("%s: %d types, %d regions, %d offerings, %d bytes\n",
		output, len(contents.Types), len(contents.Regions), offerings, len(file))
	return nil
}
