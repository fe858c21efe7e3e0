package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
)

// install writes manual pages and completions below share, where systems look
// for them below /usr/share or /usr/local/share. PowerShell looks nowhere: its
// scripts are kept with spawn.
func install(share, version string, made time.Time) error {
	for _, p := range programs() {
		name := p.command.Name()
		for _, shell := range complete.Shells() {
			script, err := p.completion(shell)
			if err != nil {
				return err
			}
			if err := write(filepath.Join(share, filepath.FromSlash(completionPlace(shell, name))), []byte(script)); err != nil {
				return err
			}
		}
		var err error
		each(p.command, func(c *cobra.Command) { c.Long, c.Use = markdown(c.Long), plain(c.Use) })
		each(p.command, func(c *cobra.Command) {
			if err == nil {
				err = manualPage(share, c, version, made)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func completionPlace(shell, program string) string {
	switch shell {
	case "bash":
		return "bash-completion/completions/" + program
	case "zsh":
		return "zsh/site-functions/_" + program
	case "fish":
		return "fish/vendor_completions.d/" + program + ".fish"
	default:
		return "spawn/completions/" + program + ".ps1"
	}
}

// manualPage writes the page of one command, compressed as Debian wants it and
// the same whenever it is made.
func manualPage(share string, cmd *cobra.Command, version string, made time.Time) error {
	cmd.DisableAutoGenTag = true
	var page, packed bytes.Buffer
	header := doc.GenManHeader{Section: "1", Date: &made, Source: "spawn " + version, Manual: "spawn manual"}
	if err := doc.GenMan(cmd, &header, &page); err != nil {
		return fmt.Errorf("write the manual page of %s: %w", cmd.CommandPath(), err)
	}
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(page.Bytes()); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1.gz"
	return write(filepath.Join(share, "man", "man1", name), packed.Bytes())
}

// write writes a file that everybody may read, and the folders above it.
func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // part of an installation for everybody
		return err
	}
	return os.WriteFile(path, content, 0o644) //nolint:gosec // part of an installation for everybody
}
