// Command manual writes what the programs' commands say of themselves for other
// readers: manual pages and completions for an installation, the pages of
// docs/commands, and a picture of a session. Its tests hold the documents that
// people write to the commands. No program is built of it.
//
// The pages in docs are held by a test, which also writes them:
//
//	SPAWN_WRITE_DOCS=1 go test ./internal/manual
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	share := flag.String("share", "", "write manual pages and completions into this `folder`, laid out like /usr/share")
	version := flag.String("version", "dev", "the `version` that manual pages name")
	made := flag.Int64("made", 0, "when the version was made, in `seconds` since 1970; manual pages name the month")
	session := flag.Bool("session", false, "draw the recorded session on standard input as an SVG on standard output; scripts/record.sh records one")
	flag.Parse()
	if *session {
		if err := drawSession(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "manual:", err)
			os.Exit(1)
		}
		return
	}
	if *share == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := install(*share, *version, time.Unix(*made, 0).UTC()); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}
