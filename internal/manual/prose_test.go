package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// The documents that people write: every command in them is one of the three
// programs' as it is now, and every link leads somewhere. Nothing is executed
// here; that the recipes of docs/cookbook.md work is for internal/e2e.

// pages are the texts of the documents, by their paths in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	texts := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(filepath.ToSlash(path), "../../")] = string(text)
	}
	if len(texts) < 10 {
		t.Fatalf("%d documents were found: this test does not look where they are", len(texts))
	}
	return texts
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// TestTheDocumentsNameWhatThereIs: commands and flags, in blocks for a shell and
// in the text. The changelog tells of what was.
func TestTheDocumentsNameWhatThereIs(t *testing.T) {
	t.Setenv("SPAWN_LOCAL", "")
	checked := 0
	for path, text := range pages(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			switch language, code := block[1], block[2]; language {
			case "sh", "bash":
				found, err := commandsIn(code)
				if err != nil {
					t.Errorf("%s: %v in:\n%s", path, err, code)
				}
				for _, words := range found {
					checked++
					if err := understood(words); err != nil {
						t.Errorf("%s: %s: %v", path, strings.Join(words, " "), err)
					}
				}
			case "":
				if line := regexp.MustCompile(`(?m)^(spawn|truffle|spored)\b.*`).FindString(code); line != "" && path != "CHANGELOG.md" {
					t.Errorf("%s: the block with %q is not marked as sh, so that nobody reads it", path, line)
				}
			}
		}
		if path == "CHANGELOG.md" {
			continue
		}
		prose := fence.ReplaceAllString(text, "")
		for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(prose, -1) {
			checked++
			if err := mentioned(strings.Join(strings.Fields(span[1]), " ")); err != nil {
				t.Errorf("%s: `%s`: %v", path, span[1], err)
			}
		}
	}
	if checked < 300 {
		t.Errorf("%d commands and words were checked: this test does not read the documents", checked)
	}
}

// TestCommandsThatAreNotThereAreFound: the check above can fail.
func TestCommandsThatAreNotThereAreFound(t *testing.T) {
	t.Setenv("SPAWN_LOCAL", "")
	for _, code := range []string{
		"spawn lunch --ttl 8h", "spawn launch --tll 8h", "spawn launch --ttl", "spawn launch --count many", "spawn status", "truffle search x --frist",
		"truffle az m7i.large | spawn launch --cuont 3", "x=$(spawn lst)", "if true; then spored compleat; fi", "sudo spored complete --state ok", "spawn local fault quta",
	} {
		found, err := commandsIn(code)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range found {
			if err == nil {
				err = understood(words)
			}
		}
		if err == nil {
			t.Errorf("%s: nothing is wrong with it", code)
		}
	}
	for _, words := range []string{"spawn lunch", "spawn launch --tll", "--no-such-flag", "truffle serach x"} {
		if mentioned(words) == nil {
			t.Errorf("%s: nothing is wrong with it", words)
		}
	}
}

// commandsIn are the commands of our programs in a text for a shell, wherever
// they stand in it.
func commandsIn(code string) (found [][]string, err error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(code), "")
	if err != nil {
		return nil, err
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		call, is := node.(*syntax.CallExpr)
		if !is {
			return true
		}
		var words []string
		for _, arg := range call.Args {
			word, failed := expand.Literal(&expand.Config{Env: expand.FuncEnviron(func(string) string { return "value" })}, arg)
			if failed != nil { // a command's output
				word = "value"
			}
			words = append(words, word)
		}
		if len(words) > 0 && words[0] == "sudo" {
			words = words[1:]
		}
		if len(words) > 0 && tree(words[0]) != nil {
			found = append(found, words)
		}
		return true
	})
	return found, nil
}

// tree is the commands of a program, nil where it is none of ours.
func tree(name string) *cobra.Command {
	for _, p := range programs() {
		if p.command.Name() == name {
			return p.command
		}
	}
	return nil
}

// understood tells whether a program would take these words.
func understood(words []string) error {
	cmd, rest, err := tree(words[0]).Find(words[1:])
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if help, err := cmd.Flags().GetBool("help"); err == nil && help {
		return nil
	}
	if !cmd.Runnable() {
		return fmt.Errorf("%s does nothing by itself", cmd.CommandPath())
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// others are flags of other people's programs that our documents name.
var others = map[string]bool{
	"--groups":                 true, // aws ec2 modify-instance-attribute
	"--auto-termination-timer": true, // ez-ec2
}

// mentioned tells whether a word or a command in a text, which may be short or
// have a gap, names what there is.
func mentioned(span string) error {
	words := strings.Fields(span)
	cmd := tree(words[0])
	if cmd == nil {
		if flag := flagOf(words[0]); flag != "" && !others["--"+flag] && !anywhere(flag) {
			return fmt.Errorf("no command has this flag")
		}
		return nil
	}
	for len(words) > 1 && cmd.HasSubCommands() && regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(words[1]) {
		sub, _, err := cmd.Find(words[1:2])
		if err != nil || sub == cmd {
			return fmt.Errorf("there is no such command")
		}
		cmd, words = sub, words[1:]
	}
	cmd.InitDefaultHelpFlag()
	for _, word := range words[1:] {
		if word == "--" {
			break
		}
		if flag := flagOf(word); flag != "" && cmd.Flag(flag) == nil && cmd.InheritedFlags().Lookup(flag) == nil {
			return fmt.Errorf("%s has no flag --%s", cmd.CommandPath(), flag)
		}
	}
	return nil
}

// flagOf is the name of the flag that a word is, else "".
func flagOf(word string) string {
	if m := regexp.MustCompile(`^--([a-z][a-z-]*)(=.*)?$`).FindStringSubmatch(word); m != nil {
		return m[1]
	}
	return ""
}

// anywhere tells whether any command of ours has a flag.
func anywhere(flag string) (there bool) {
	for _, p := range programs() {
		each(p.command, func(c *cobra.Command) {
			c.InitDefaultHelpFlag()
			for _, set := range []*pflag.FlagSet{c.Flags(), c.InheritedFlags()} {
				there = there || set.Lookup(flag) != nil
			}
		})
	}
	return there
}

// TestTheDocumentsLinksLead to a file that is there, and to a heading that it
// has. What is elsewhere on the network is not asked for.
func TestTheDocumentsLinksLead(t *testing.T) {
	links := 0
	for path, text := range pages(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)|<img src="([^"]+)"`).FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			if err := leads(path, text, target); err != nil {
				t.Errorf("%s: %s: %v", path, target, err)
			}
		}
	}
	if links < 25 {
		t.Errorf("%d links were followed: this test does not read the documents", links)
	}
	for _, target := range []string{"docs/none.md", "#no-such-heading", "docs/launch.md#no-such-heading"} {
		if leads("README.md", "# A heading", target) == nil {
			t.Errorf("%s: it leads nowhere, and that is not found", target)
		}
	}
}

func leads(path, text, target string) error {
	file, anchor, _ := strings.Cut(target, "#")
	if file != "" {
		other, err := os.ReadFile(filepath.Join("../..", filepath.Dir(path), file))
		if err != nil {
			if info, failed := os.Stat(filepath.Join("../..", filepath.Dir(path), file)); failed == nil && info.IsDir() {
				return nil
			}
			return err
		}
		text = string(other)
	}
	if anchor == "" {
		return nil
	}
	for _, heading := range regexp.MustCompile(`(?m)^#+ +(.+)$`).FindAllStringSubmatch(text, -1) {
		if slug(heading[1]) == anchor {
			return nil
		}
	}
	return fmt.Errorf("there is no such heading")
}

// slug is the name under which GitHub lets a heading be linked to.
func slug(heading string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
