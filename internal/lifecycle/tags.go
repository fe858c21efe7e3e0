package lifecycle

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schema is the version of the contract between spawn and spored, written as
// spawn:schema and into the policy file. A reader that meets a newer one uses
// what it understands; what it does not understand never removes a deadline.
const Schema = 1

// The keys of the tags. All use only characters that instance metadata allows
// in a key (letters, digits and +-=.,_:@).
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
const (
	TagName            = "Name"
	TagManaged         = "spawn:managed"
	TagCreatedBy       = "spawn:created-by"
	TagOwner           = "spawn:owner"
	TagLaunch          = "spawn:launch"
	TagCreated         = "spawn:created"
	TagSchema          = "spawn:schema"
	TagRoot            = "spawn:root"
	TagParent          = "spawn:parent"
	TagTTL             = "spawn:ttl"
	TagDeadline        = "spawn:deadline"
	TagIdleTimeout     = "spawn:idle-timeout"
	TagIdleCPU         = "spawn:idle-cpu"
	TagIdleAction      = "spawn:idle-action"
	TagHibernateOnIdle = "spawn:hibernate-on-idle"
	TagUser            = "spawn:user" // on an instance: who logs in by SSH, which depends on its image
	TagStatus          = "spawn:status"
	TagKeep            = "spawn:keep"
	TagImported        = "spawn:imported"
	TagSpotRequest     = "spawn:spot-request" // on an instance: the id of the persistent Spot request it came from
	TagBackstop        = "spawn:backstop"     // on an instance: missing, when its launch could not arm the cloud's layer of the deadline
	TagInstance        = "spawn:instance"     // on a Spot request: the ARN of its instance, which may cancel it
)

// The values of TagBackstop. An instance without the tag has what its launch
// armed without being refused.
const (
	BackstopMissing = "missing"
	BackstopArmed   = "armed" // later, by a cleanup
)

// Origin is who made a resource, in which launch and when. It is on everything
// that can be tagged.
type Origin struct {
	Owner   string    // the caller's principal, an ARN
	Launch  string    // the launch's id
	Created time.Time // by the service's clock, to the second
}

// Tags are the tags of what a launch makes, apart from its instance.
func (o Origin) Tags() map[string]string {
	m := map[string]string{
		TagManaged:   "true",
		TagCreatedBy: "spawn",
		TagSchema:    strconv.Itoa(Schema),
	}
	put(m, TagOwner, o.Owner)
	put(m, TagLaunch, o.Launch)
	if !o.Created.IsZero() {
		m[TagCreated] = o.Created.UTC().Format(time.RFC3339)
	}
	return m
}

// Managed tells whether spawn made what bears these tags. Nothing else may be
// changed or deleted by us.
func Managed(tags map[string]string) bool { return tags[TagManaged] == "true" }

// Kept tells that the resource with these tags is never to be deleted.
func Kept(tags map[string]string) bool { return tags[TagKeep] == "true" }

// ReadOrigin reads the tags that Origin.Tags writes; what is missing or
// garbage is left zero.
func ReadOrigin(tags map[string]string) Origin {
	o := Origin{Owner: tags[TagOwner], Launch: tags[TagLaunch]}
	if t, err := parseMoment(tags[TagCreated]); err == nil {
		o.Created = t
	}
	return o
}

// InstanceTags are the tags of an instance: where it came from and when and
// why it ends.
type InstanceTags struct {
	Origin
	Name     string
	TTL      time.Duration // 0: unknown
	Deadline Deadline      // the truth
	User     string        // who logs in; "": not known
	Idle     IdlePolicy

	SpotRequest string // the persistent Spot request that the instance is of; "": of none
}

// Tags writes t as tags. A zero field has no tag, nor has a duration shorter
// than a second, which no tag can say.
func (t InstanceTags) Tags() map[string]string {
	m := t.Origin.Tags()
	m[TagRoot] = "true"
	put(m, TagName, t.Name)
	if t.TTL >= time.Second {
		m[TagTTL] = FormatDuration(t.TTL)
	}
	put(m, TagDeadline, t.Deadline.String())
	put(m, TagUser, t.User)
	if t.Idle.Timeout >= time.Second {
		m[TagIdleTimeout] = FormatDuration(t.Idle.Timeout)
	}
	if t.Idle.CPU > 0 {
		m[TagIdleCPU] = strconv.FormatFloat(t.Idle.CPU, 'f', -1, 64)
	}
	put(m, TagIdleAction, string(t.Idle.Action))
	put(m, TagSpotRequest, t.SpotRequest)
	if t.Idle.Action == Hibernate {
		m[TagHibernateOnIdle] = "true"
	}
	return m
}

// userForm is what a login user may be called. The name becomes a part of an
// argument of ssh, and whoever may tag the instance can write it.
//
// https://manpages.debian.org/bookworm/passwd/useradd.8.en.html
var userForm = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// ReadInstanceTags reads the tags of an instance. Every tag that is there but
// cannot be understood is named in problems and leaves its field zero, so that
// the last good value can hold.
func ReadInstanceTags(tags map[string]string) (t InstanceTags, problems []error) {
	garbage := func(key string, err error) {
		problems = append(problems, fmt.Errorf("tag %s: %w", key, err))
	}
	t = InstanceTags{Origin: ReadOrigin(tags), Name: tags[TagName], SpotRequest: tags[TagSpotRequest]}
	var err error
	if s, there := tags[TagCreated]; there {
		if _, err = parseMoment(s); err != nil {
			garbage(TagCreated, err)
		}
	}
	if s, there := tags[TagTTL]; there {
		if t.TTL, err = ParseDuration(s); err != nil {
			garbage(TagTTL, err)
		}
	}
	if s, there := tags[TagDeadline]; there {
		if t.Deadline, err = ParseDeadline(s); err != nil {
			garbage(TagDeadline, err)
		}
	}
	if s, there := tags[TagUser]; there {
		if t.User = s; !userForm.MatchString(s) {
			t.User = ""
			garbage(TagUser, fmt.Errorf("%q is not the name of a user", s))
		}
	}
	idle, idleProblems := readIdleTags(tags)
	t.Idle = idle
	return t, append(problems, idleProblems...)
}

// readIdleTags reads the tags of the idle policy. If one of them is garbage,
// none counts: half of a policy is not the one that was meant, and may be
// stricter.
func readIdleTags(tags map[string]string) (p IdlePolicy, problems []error) {
	garbage := func(key string, err error) {
		problems = append(problems, fmt.Errorf("tag %s: %w", key, err))
	}
	var err error
	if s, there := tags[TagIdleTimeout]; there {
		if p.Timeout, err = ParseDuration(s); err != nil {
			garbage(TagIdleTimeout, err)
		}
	}
	if s, there := tags[TagIdleCPU]; there {
		if p.CPU, err = ParsePercent(s); err != nil {
			garbage(TagIdleCPU, err)
		}
	}
	switch s, there := tags[TagHibernateOnIdle]; {
	case s == "true":
		p.Action = Hibernate
	case there && s != "false":
		garbage(TagHibernateOnIdle, fmt.Errorf("%q is neither true nor false", s))
	}
	if s, there := tags[TagIdleAction]; there {
		if p.Action = IdleAction(s); !p.Action.Valid() {
			garbage(TagIdleAction, fmt.Errorf("%q is none of terminate, stop, hibernate", s))
		}
	}
	if len(problems) > 0 {
		return IdlePolicy{}, problems
	}
	return p, nil
}

// ParsePercent reads a share above 0 and up to 100, written in digits with at
// most one point; strconv alone would also take Inf, 0x1p4 and the like.
func ParsePercent(s string) (float64, error) {
	p, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.") != "" || p <= 0 || p > 100 {
		return 0, fmt.Errorf("%q is not a percentage above 0 and up to 100", s)
	}
	return p, nil
}

func put(m map[string]string, key, value string) {
	if value != "" {
		m[key] = value
	}
}

// SortedKeys returns the keys of tags in order, so that requests and displays
// are the same every time.
func SortedKeys(tags map[string]string) []string { return slices.Sorted(maps.Keys(tags)) }
