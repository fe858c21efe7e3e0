package awsx_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/problem"
)

const sharedConfig = `[default]
region = eu-west-1

[profile sso]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = dev
region = eu-central-1

[profile other]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = dev

[profile role]
role_arn = arn:aws:iam::111111111111:role/dev
source_profile = keys

[profile onlyrole]
role_arn = arn:aws:iam::111111111111:role/dev

[profile elsewhere]
endpoint_url = http://127.0.0.1:1
`

const sharedCredentials = `[keys]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
# aws_session_token = no
`

func setupOf(t *testing.T, profile string, env map[string]string) (awsx.Setup, error) {
	t.Helper()
	home := t.TempDir()
	for name, text := range map[string]string{"config": sharedConfig, "credentials": sharedCredentials} {
		path := filepath.Join(home, ".aws", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return awsx.ReadSetup(func(name string) string {
		if name == "HOME" {
			return home
		}
		return env[name]
	}, profile)
}

func TestReadSetup(t *testing.T) {
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKID1", "AWS_SECRET_ACCESS_KEY": "s"}
	identities := map[string]string{}
	for _, tt := range []struct {
		name, profile string
		env           map[string]string
		region        string
		credentials   bool
	}{
		{"nothing", "", nil, "eu-west-1", false},
		{"region of the environment", "", map[string]string{"AWS_REGION": "us-west-2"}, "us-west-2", false},
		{"half a key", "", map[string]string{"AWS_ACCESS_KEY_ID": "AKID1"}, "eu-west-1", false},
		{"keys in the environment", "", keys, "eu-west-1", true},
		{"other keys", "", map[string]string{"AWS_ACCESS_KEY_ID": "AKID2", "AWS_SECRET_ACCESS_KEY": "s"}, "eu-west-1", true},
		{"sso", "sso", nil, "eu-central-1", true},
		{"another account of the same sso", "other", nil, "", true},
		{"role", "role", nil, "", true},
		{"role without a source", "onlyrole", nil, "", false},
		{"keys in a file", "keys", nil, "", true},
		{"a flag beats keys in the environment", "onlyrole", keys, "", false},
		{"an endpoint", "elsewhere", nil, "", false},
		{"keys at an endpoint", "", map[string]string{"AWS_ACCESS_KEY_ID": "AKID1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "eu-west-1", true},
	} {
		got, err := setupOf(t, tt.profile, tt.env)
		if err != nil || got.Region != tt.region || got.Credentials != tt.credentials {
			t.Errorf("%s: %+v %v", tt.name, got, err)
		}
		if other, taken := identities[got.Identity]; taken && got.Credentials {
			t.Errorf("%s and %s are the same", tt.name, other)
		}
		identities[got.Identity] = tt.name
	}
	bySetting, _ := setupOf(t, "", map[string]string{"AWS_PROFILE": "sso"})
	byFlag, _ := setupOf(t, "sso", nil)
	if bySetting != byFlag {
		t.Errorf("%+v %+v", bySetting, byFlag)
	}
	if _, err := setupOf(t, "nobody", nil); problem.KindOf(err) != problem.Denied || problem.NextOf(err) == "" {
		t.Error(err)
	}
	if got, err := setupOf(t, "", map[string]string{"AWS_PROFILE": "nobody"}); err != nil || got.Credentials {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := setupOf(t, "", map[string]string{"AWS_CONFIG_FILE": t.TempDir()}); err == nil {
		t.Error("a folder was read as a file")
	}
}
