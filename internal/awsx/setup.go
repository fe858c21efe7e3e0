package awsx

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Setup is what the environment and the shared files configure, as far as it
// can be told in microseconds: without the SDK, which takes longer to load than
// a search in the catalog, and without asking anybody.
type Setup struct {
	Region      string // "" when none is configured
	Credentials bool   // something is configured that could give credentials
	Identity    string // differs wherever the account or the cloud does
}

// ReadSetup reads the setup of a profile; an empty one is that of the
// environment, or default. A profile that was named and is in no file is a
// *problem.Error of kind Denied.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
func ReadSetup(env func(string) string, profile string) (Setup, error) {
	name := cmp.Or(profile, env("AWS_PROFILE"), env("AWS_DEFAULT_PROFILE"), "default")
	configured, inConfig, err := readSection(sharedFile(env, "AWS_CONFIG_FILE", "config"), func(words []string) bool {
		return slices.Equal(words, []string{"profile", name}) || name == "default" && slices.Equal(words, []string{"default"})
	})
	if err != nil {
		return Setup{}, err
	}
	secret, inCredentials, err := readSection(sharedFile(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), func(words []string) bool {
		return slices.Equal(words, []string{name})
	})
	if err != nil {
		return Setup{}, err
	}
	if profile != "" && !inConfig && !inCredentials {
		return Setup{}, noProfile(profile)
	}
	settings := map[string]string{}
	maps.Copy(settings, configured)
	maps.Copy(settings, secret)
	ofEnv := profile == "" && (env("AWS_ACCESS_KEY_ID") != "" && env("AWS_SECRET_ACCESS_KEY") != "" || env("AWS_WEB_IDENTITY_TOKEN_FILE") != "")
	ofContainer := env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "" || env("AWS_CONTAINER_CREDENTIALS_FULL_URI") != ""
	setup := Setup{
		Region:      cmp.Or(env("AWS_REGION"), env("AWS_DEFAULT_REGION"), settings["region"]),
		Credentials: ofEnv || ofContainer || givesCredentials(settings),
	}
	identity := []string{
		cmp.Or(env("AWS_ENDPOINT_URL_EC2"), env("AWS_ENDPOINT_URL"), settings["endpoint_url"]), settings["services"],
		env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), env("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
	}
	if ofEnv {
		identity = append(identity, "environment", env("AWS_ACCESS_KEY_ID"), env("AWS_WEB_IDENTITY_TOKEN_FILE"), env("AWS_ROLE_ARN"))
	} else {
		identity = append(identity, "profile", name)
		for _, key := range identifying() {
			identity = append(identity, settings[key])
		}
	}
	setup.Identity = strings.Join(identity, "\n")
	return setup, nil
}

// identifying are the settings of a profile that say whose credentials it gives.
func identifying() []string {
	return []string{
		"aws_access_key_id", "role_arn", "source_profile", "credential_source", "web_identity_token_file",
		"sso_session", "sso_start_url", "sso_account_id", "sso_role_name", "login_session", "credential_process",
	}
}

// givesCredentials tells whether a profile names a source of credentials.
// Whether that source gives any is found out by using it.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
func givesCredentials(settings map[string]string) bool {
	has := func(keys ...string) bool {
		return !slices.ContainsFunc(keys, func(key string) bool { return settings[key] == "" })
	}
	return has("aws_access_key_id", "aws_secret_access_key") ||
		has("role_arn", "source_profile") || has("role_arn", "credential_source") || has("role_arn", "web_identity_token_file") ||
		has("sso_session", "sso_account_id") || has("sso_start_url", "sso_account_id") || has("login_session") || has("credential_process")
}

func noProfile(name string) error {
	return problem.New(problem.Denied, "there is no AWS profile %q", name).WithNext("see the names with: aws configure list-profiles")
}

// sharedFile is the path of a shared file; "" when the user has no home.
func sharedFile(env func(string) string, variable, name string) string {
	if path := env(variable); path != "" {
		return path
	}
	home := cmp.Or(env("HOME"), env("USERPROFILE"))
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".aws", name)
}

// readSection reads the settings of the section whose heading's words are the
// wanted ones; found is false when the file or the section is not there.
func readSection(path string, wanted func(words []string) bool) (settings map[string]string, found bool, err error) {
	if path == "" {
		return nil, false, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the AWS configuration: %w", err)
	}
	defer f.Close()
	settings, found, err = parseSection(f, wanted)
	if err != nil {
		return nil, false, fmt.Errorf("read the AWS configuration %s: %w", path, err)
	}
	return settings, found, nil
}

// parseSection passes over other sections, comments and nested settings, which
// are indented.
func parseSection(r io.Reader, wanted func(words []string) bool) (settings map[string]string, found bool, err error) {
	settings = map[string]string{}
	inside := false
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if heading, ok := strings.CutPrefix(strings.TrimSpace(line), "["); ok {
			heading, _, _ = strings.Cut(heading, "]")
			inside = wanted(strings.Fields(heading))
			found = found || inside
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !inside || !ok || strings.TrimLeft(key, " \t#;") != key {
			continue
		}
		value, _, _ = strings.Cut(value, " #")
		settings[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
	}
	return settings, found, lines.Err()
}
