// Package bootstrap writes the user-data of an instance: what makes it end at
// its deadline by itself and installs the agent.
//
// The user-data is a MIME archive for cloud-init, compressed. Its first part,
// a boothook, arms the deadline in the operating system before anything is
// installed or downloaded, at every boot, and keeps the metadata service for
// root. Its second part, a script that runs once, fetches the agent and starts
// it. What the user gave comes after these, part by part. The shell lives in
// scripts/, and values get into it by substitution between single quotes: every
// value is checked first, so none can end its quotes.
//
// It holds no secret but a presigned URL to a program anyone may read, and it
// talks to nobody.
package bootstrap

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// MaxSize is EC2's limit for user-data, in bytes before base64. Compressed
// bytes count as they are.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
const MaxSize = 16 << 10

// Params are what the user-data of one launch depends on. The same Params give
// the same bytes.
type Params struct {
	Policy   lifecycle.Policy // what the agent and the operating system's timer enforce
	Agent    *Agent           // nil: no agent, the operating system's timer alone
	Endpoint string           // AWS_ENDPOINT_URL for the agent; "" on AWS
	Region   string           // where the agent's object is

	// ShareRole leaves the metadata service, and with it the instance's role,
	// to every user and container of the instance, not to root alone.
	ShareRole bool

	// User is the user's own user-data, of any type that cloud-init takes;
	// empty for none.
	User []byte

	// Carried is where the user's user-data lies, as Cargo wrote it, when it is
	// too large to be sent: a URL that needs no credentials. "": it is sent.
	Carried string
}

// Agent is where the instance finds its agent: a gzip file, fetched with the
// credentials of the instance's role, else by a presigned URL. At least one
// URL is needed for it to be found.
type Agent struct {
	SHA256       string // of the gzip file, 64 hexadecimal digits
	ObjectURL    string // the object's URL, unsigned
	PresignedURL string // "" when the instance has a role
}

//go:embed scripts
var scripts embed.FS

// UserData writes the user-data, not yet base64-encoded. Its errors are those
// of Params that do not belong in a shell script, of a User that cloud-init
// would not understand, and a *TooLargeError for one that EC2 would refuse.
func UserData(p Params) ([]byte, error) {
	ours, err := ownParts(p)
	if err != nil {
		return nil, err
	}
	theirs, err := theirParts(p)
	if err != nil {
		return nil, err
	}
	out, err := pack(append(ours, theirs...))
	if err != nil || len(out) <= MaxSize {
		return out, err
	}
	alone, err := pack(ours)
	if err != nil {
		return nil, err
	}
	if len(theirs) == 0 || len(alone) > MaxSize {
		return nil, fmt.Errorf("the user-data has %d bytes, and EC2 takes %d", len(out), MaxSize)
	}
	return nil, &TooLargeError{Size: len(out) - len(alone), Room: MaxSize - len(alone)}
}

// ownParts arm the deadline and install the agent. Scripts run in the order of
// their file names, which therefore begins with digits: "runcmd" of a user's
// cloud-config and nameless parts come later.
//
// https://github.com/canonical/cloud-init/blob/main/cloudinit/config/cc_scripts_user.py
func ownParts(p Params) ([]part, error) {
	hook, err := boothook(p.Policy, p.ShareRole)
	if err != nil {
		return nil, err
	}
	parts := []part{{kind: typeBoothook, filename: "000-spawn-deadline", body: hook}}
	if p.Agent != nil {
		script, err := installer(p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{kind: typeScript, filename: "000-spawn-agent", body: script})
	}
	return parts, nil
}

// boothook is the part that arms the deadline and guards the role.
func boothook(p lifecycle.Policy, shareRole bool) (string, error) {
	if p.Deadline.IsZero() {
		return "", fmt.Errorf("the policy has no deadline")
	}
	policy, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write the policy: %w", err)
	}
	deadline, err := script("spawn-deadline.sh", values{"DEADLINE": strconv.FormatInt(p.Deadline.Time().Unix(), 10)})
	if err != nil {
		return "", err
	}
	share := "no"
	if shareRole {
		share = "yes"
	}
	metadata, err := script("spawn-metadata.sh", values{"SHARE_ROLE": share})
	if err != nil {
		return "", err
	}
	// JSON may hold the one character that ends single quotes; its escape for
	// it means the same.
	quoted := strings.ReplaceAll(string(policy), "'", `\u0027`)
	return script("boothook.sh", values{"POLICY": quoted, "SPAWN_DEADLINE": deadline, "SPAWN_METADATA": metadata})
}

// installer is the part that fetches and starts the agent.
func installer(p Params) (string, error) {
	a := *p.Agent
	switch {
	case !sha256Form().MatchString(a.SHA256):
		return "", fmt.Errorf("%q is not a SHA-256 in hexadecimal", a.SHA256)
	case !regionForm().MatchString(p.Region):
		return "", fmt.Errorf("%q is not a region", p.Region)
	case a.ObjectURL == "" && a.PresignedURL == "":
		return "", fmt.Errorf("the agent has no URL to fetch it from")
	}
	for _, u := range []string{a.ObjectURL, a.PresignedURL, p.Endpoint} {
		if err := checkURL(u); err != nil {
			return "", err
		}
	}
	v := values{
		"SHA256": a.SHA256, "OBJECT_URL": a.ObjectURL, "PRESIGNED_URL": a.PresignedURL,
		"REGION": p.Region, "ENDPOINT": p.Endpoint,
	}
	for name, file := range map[string]string{
		"FETCH_PY": "fetch.py", "SPORED_SERVICE": "spored.service", "SPORED_SUPERVISE": "spored-supervise.sh",
	} {
		text, err := script(file, nil)
		if err != nil {
			return "", err
		}
		v[name] = text
	}
	return script("bootstrap.sh", v)
}

func sha256Form() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) }

func regionForm() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9-]{1,64}$`) }

// checkURL refuses what is not a plain URL. The characters are those of
// RFC 3986 without the single quote, so none can mean anything to a shell
// between single quotes. "" is none, and fine.
func checkURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Errorf("%q is not the URL of a server", s)
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return !urlCharacter(r) }); i >= 0 {
		return fmt.Errorf("the URL %q has a character that does not belong in one, at %d", s, i)
	}
	return nil
}

func urlCharacter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		strings.ContainsRune("-._~:/?#[]@!$&()*+,;=%", r)
}

// withoutComments leaves out empty lines and those that only comment. The first
// line stays: it may name the program that reads the rest.
func withoutComments(text string) string {
	var kept []string
	for i, line := range strings.Split(text, "\n") {
		if trimmed := strings.TrimSpace(line); i > 0 && (trimmed == "" || strings.HasPrefix(trimmed, "#")) {
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// values are what is put into a script: @NAME@ becomes the value of NAME.
type values map[string]string

// script is an embedded script with its values in place. A value for which
// there is no place is an error, and so is a place without a value. Values are
// not searched for places.
//
// Comments stay here: the user-data's few bytes are the user's.
func script(name string, v values) (string, error) {
	text, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		return "", fmt.Errorf("read the script %s: %w", name, err)
	}
	out := withoutComments(string(text))
	var pairs []string
	for key, value := range v {
		place := "@" + key + "@"
		if !strings.Contains(out, place) {
			return "", fmt.Errorf("the script %s has no place for %s", name, key)
		}
		pairs = append(pairs, place, value)
	}
	for _, place := range regexp.MustCompile(`@[A-Z0-9_]+@`).FindAllString(out, -1) {
		if _, given := v[strings.Trim(place, "@")]; !given {
			return "", fmt.Errorf("the script %s lacks a value for %s", name, place)
		}
	}
	return strings.NewReplacer(pairs...).Replace(out), nil
}
