package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Key names a setting.
type Key string

// The settings.
const (
	Region      Key = "region"
	TTL         Key = "ttl"
	IdleTimeout Key = "idle-timeout"
	MaxPrice    Key = "max-price"
	Ceiling     Key = "ceiling"
)

// Setting is what can be configured: once in a file, for a session in the
// environment. A flag wins over both.
type Setting struct {
	Key     Key
	What    string
	Default string // what holds when nothing is configured, in words
	check   func(value string) error
}

// Env is the variable that wins over the file.
func (s Setting) Env() string {
	return "SPAWN_" + strings.ToUpper(strings.ReplaceAll(string(s.Key), "-", "_"))
}

// All are all settings, in the order in which they are shown.
func All() []Setting {
	return []Setting{
		{Region, "where to work when nothing else says", "as the AWS tools are configured, else us-east-1", checkRegion},
		{TTL, "how long an instance may live", lifecycle.FormatDuration(lifecycle.DefaultTTL), checkDuration},
		{IdleTimeout, "for how long nobody may use it", "no idle timeout", checkDuration},
		{MaxPrice, "the most an instance may cost, in USD an hour", "no limit", checkPrice},
		{Ceiling, "the longest life that can be asked for", lifecycle.FormatDuration(lifecycle.DefaultCeiling), checkDuration},
	}
}

// find is the setting with a key, or a usage error that names those there are.
func find(key Key) (Setting, error) {
	all := All()
	at := slices.IndexFunc(all, func(s Setting) bool { return s.Key == key })
	if at >= 0 {
		return all[at], nil
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s.Key)
	}
	return Setting{}, problem.New(problem.Usage, "there is no setting %q", key).WithNext("there are: %s", strings.Join(names, " "))
}

func checkRegion(value string) error {
	if len(catalog.Zones(value)) == 0 {
		return fmt.Errorf("spawn knows no region %q", value)
	}
	return nil
}

func checkDuration(value string) error {
	_, err := lifecycle.ParseDuration(value)
	return err
}

func checkPrice(value string) error {
	if _, err := parsePrice(value); err != nil {
		return fmt.Errorf("%q is not a price in USD an hour, such as 0.50", value)
	}
	return nil
}

func parsePrice(value string) (float64, error) {
	if strings.Trim(value, "0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	p, err := strconv.ParseFloat(value, 64)
	if err == nil && p <= 0 {
		err = strconv.ErrRange
	}
	return p, err
}

// Config is what the user configured.
type Config struct {
	path string
	file map[Key]string
}

// Chosen is the value of a setting, and who chose it: a variable's name or the
// file's path. Without a value nobody did.
type Chosen struct{ Value, From string }

// LoadConfig reads a configuration. One that is not there has no settings; what
// is in it must be understood, since what it limits would not be.
func LoadConfig(path string) (Config, error) {
	c := Config{path: path, file: map[Key]string{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	if err := json.Unmarshal(text, &c.file); err != nil {
		return c, problem.New(problem.Usage, "%s is not a configuration: %w", path, err).WithNext("correct or delete it")
	}
	for key, value := range c.file {
		if err := check(key, value); err != nil {
			return c, problem.New(problem.Usage, "in %s: %w", path, err).WithNext("correct it, or: spawn config unset %s", key)
		}
	}
	return c, nil
}

func check(key Key, value string) error {
	s, err := find(key)
	if err != nil {
		return err
	}
	if err := s.check(value); err != nil {
		return problem.New(problem.Usage, "%s: %w", key, err)
	}
	return nil
}

// Get is a setting's value by the environment, else by the file.
func (c Config) Get(key Key) (Chosen, error) {
	s, err := find(key)
	if err != nil {
		return Chosen{}, err
	}
	if value := os.Getenv(s.Env()); value != "" {
		if err := s.check(value); err != nil {
			return Chosen{}, problem.New(problem.Usage, "%s: %w", s.Env(), err)
		}
		return Chosen{value, s.Env()}, nil
	}
	if value, set := c.file[key]; set {
		return Chosen{value, c.path}, nil
	}
	return Chosen{}, nil
}

// Ceiling is the longest life that an instance may be given.
func (c Config) Ceiling() (time.Duration, error) {
	chosen, err := c.Get(Ceiling)
	if err != nil || chosen.Value == "" {
		return lifecycle.DefaultCeiling, err
	}
	return lifecycle.ParseDuration(chosen.Value)
}

// MaxPrice is the most that an instance may cost, in USD an hour; 0 is no limit.
func (c Config) MaxPrice() (float64, error) {
	chosen, err := c.Get(MaxPrice)
	if err != nil || chosen.Value == "" {
		return 0, err
	}
	return parsePrice(chosen.Value)
}

// Set writes a setting into the file.
func (c Config) Set(key Key, value string) error {
	if err := check(key, value); err != nil {
		return err
	}
	c.file[key] = value
	return c.save()
}

// Unset removes a setting from the file. One that is not there is no error, and
// one that nobody knows may be removed, too.
func (c Config) Unset(key Key) error {
	if _, there := c.file[key]; !there {
		_, err := find(key)
		return err
	}
	delete(c.file, key)
	return c.save()
}

func (c Config) save() error {
	text, err := json.MarshalIndent(c.file, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(c.path), 0o700)
	}
	if err == nil {
		err = files.WriteWhole(c.path, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
