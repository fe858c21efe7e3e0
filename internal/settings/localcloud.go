package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// LocalByEnvironment tells whether SPAWN_LOCAL asks for the local cloud where no
// flag says so: of every program alike, or one would search in an account what
// another launches here.
func LocalByEnvironment() bool {
	switch strings.ToLower(os.Getenv("SPAWN_LOCAL")) {
	case "1", "true", "yes":
		return true
	}
	return false
}

// LocalContact is how a running local cloud is reached: the content of a file
// that only its user can read.
type LocalContact struct {
	PID             int       `json:"pid"`
	Endpoint        string    `json:"endpoint"`
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	Runtime         string    `json:"runtime"`
	RuntimeWhy      string    `json:"runtime_why,omitempty"` // why it is not the sandbox
	Started         time.Time `json:"started"`
}

// Caller is who calls the cloud, by the key: its administrator or, to try what
// somebody with lesser rights can do, whose key SPAWN_LOCAL_ACCESS_KEY_ID and
// SPAWN_LOCAL_SECRET_ACCESS_KEY are.
func (c LocalContact) Caller() (accessKeyID, secretAccessKey string) {
	if id, secret := os.Getenv("SPAWN_LOCAL_ACCESS_KEY_ID"), os.Getenv("SPAWN_LOCAL_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		return id, secret
	}
	return c.AccessKeyID, c.SecretAccessKey
}

// LocalContactFile is the file in the folder of a local cloud.
func LocalContactFile(dir string) string { return filepath.Join(dir, "cloud.json") }

// ReadLocalContact reads how the cloud that lives in dir is reached; ok is false
// when there is none. A cloud that died may have left its file: whether one
// answers is found out by asking it.
func ReadLocalContact(dir string) (found LocalContact, ok bool, err error) {
	text, err := os.ReadFile(LocalContactFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return found, false, nil
	}
	if err != nil {
		return found, false, fmt.Errorf("find the local cloud: %w", err)
	}
	// Half-written by one that died: there is no cloud.
	return found, json.Unmarshal(text, &found) == nil, nil
}
