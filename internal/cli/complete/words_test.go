package complete_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func TestWords(t *testing.T) {
	tests := []struct {
		begun string
		words cobra.CompletionFunc
		has   string
		hasNo string
	}{
		{"m7", complete.Types, "m7i.", "m7i.large"},
		{"M7i.l", complete.Types, "m7i.large", "m7i.xlarge"},
		{"eu-w", complete.Regions, "eu-west-1", "us-east-1"},
		{"", complete.Regions, "eu-west-1", "all"},
		{"us-east-1,eu-w", complete.SeveralRegions, "us-east-1,eu-west-1", "eu-west-1"},
		{"", complete.SeveralRegions, "all", "us-east-1,us-east-1"},
	}
	for _, tt := range tests {
		words, _ := tt.words(nil, nil, tt.begun)
		seen := map[string]bool{}
		for _, w := range words {
			if seen[w] {
				t.Errorf("%q: %s twice", tt.begun, w)
			}
			seen[w] = true
		}
		if !seen[tt.has] || seen[tt.hasNo] {
			t.Errorf("%q: %v", tt.begun, words)
		}
	}
}

func TestEveryShellHasAScript(t *testing.T) {
	for _, shell := range complete.Shells() {
		root, out := program()
		root.SetArgs([]string{"completion", shell})
		if err := root.Execute(); err != nil || !strings.Contains(out.String(), "__complete") {
			t.Errorf("%s: %v, %d bytes that do not ask the program", shell, err, out.Len())
		}
	}
}

func TestOtherShellsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", "bash", "zsh"}} {
		root, out := program()
		root.SetArgs(args)
		err := root.Execute()
		if problem.KindOf(err) != problem.Usage || !strings.Contains(problem.NextOf(err), "fish") || out.Len() > 0 {
			t.Errorf("%v: %v; next: %s; printed %q", args, err, problem.NextOf(err), out.String())
		}
	}
}

func program() (*cobra.Command, *bytes.Buffer) {
	root := &cobra.Command{Use: "prog", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(complete.Command("prog"))
	out := &bytes.Buffer{}
	root.SetOut(out)
	return root, out
}
