package truffle

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// defaultRegion is where the local cloud is, and what is used when nothing is
// configured.
const defaultRegion = "us-east-1"

// configuredRegion is the region that other AWS tools would use: from the
// environment, else from the shared configuration file, else us-east-1. It reads
// the one value itself, because loading the SDK's configuration would cost more
// than the search.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
func configuredRegion(env func(string) string) (string, error) {
	if region := cmp.Or(env("AWS_REGION"), env("AWS_DEFAULT_REGION")); region != "" {
		return region, nil
	}
	path := env("AWS_CONFIG_FILE")
	if path == "" {
		home := cmp.Or(env("HOME"), env("USERPROFILE"))
		if home == "" {
			return defaultRegion, nil
		}
		path = filepath.Join(home, ".aws", "config")
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return defaultRegion, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the AWS configuration: %w", err)
	}
	defer f.Close()
	region, err := profileRegion(f, cmp.Or(env("AWS_PROFILE"), env("AWS_DEFAULT_PROFILE"), "default"))
	if err != nil {
		return "", fmt.Errorf("read the AWS configuration %s: %w", path, err)
	}
	return cmp.Or(region, defaultRegion), nil
}

// profileRegion finds the region of a profile in a shared configuration file;
// "" when it has none. Lines of other sections, comments and nested settings
// (which are indented) are passed over.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
func profileRegion(r io.Reader, profile string) (string, error) {
	region, inProfile := "", false
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if section, ok := strings.CutPrefix(strings.TrimSpace(line), "["); ok {
			section, _, _ = strings.Cut(section, "]")
			words := strings.Fields(section)
			inProfile = len(words) == 2 && words[0] == "profile" && words[1] == profile ||
				len(words) == 1 && words[0] == "default" && profile == "default"
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !inProfile || !ok || strings.TrimLeft(key, " \t") != key || strings.TrimSpace(key) != "region" {
			continue
		}
		value, _, _ = strings.Cut(value, " #")
		region = strings.TrimSpace(value)
	}
	return region, lines.Err()
}
