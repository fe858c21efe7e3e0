// Package scheduler is EventBridge Scheduler of the local cloud: schedules in
// groups that call an operation of EC2, at a time or again and again, under a
// role of their own and by cloud time.
//
// A schedule's target is called as AWS calls it: the role's policies decide, a
// refusal is final for that invocation, and throttling is tried again. Nothing
// tells who made the schedule how it went.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html
package scheduler

import (
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/iam"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// principal is the service as trust policies name it.
const principal = "scheduler.amazonaws.com"

// defaultGroup is the group that every region has.
const defaultGroup = "default"

// Config is what Scheduler is made of.
type Config struct {
	Account string
	Store   *store.Store
	Clock   *clock.Clock
	IAM     *iam.Service
	Cloud   Cloud
	Log     *slog.Logger
}

// Cloud is where targets are called.
type Cloud interface {
	// Has tells whether a service has an action: ec2, TerminateInstances.
	Has(service, action string) bool
	// Invoke calls an action as somebody. It tells done how that went, before it
	// returns or later; an error that is not a *wire.Error is a lost response.
	Invoke(i Invocation, done func(error))
}

// Invocation is one call to a target.
type Invocation struct {
	Principal call.Principal
	Region    string
	Service   string
	Action    string
	Form      url.Values
}

// Service is Scheduler in every region.
type Service struct {
	Config

	groups     *store.Table[Group]
	schedules  *store.Table[Schedule]
	deliveries *store.Table[delivery]
	tokens     *store.Table[usedToken]

	mu    sync.Mutex // guards the timer
	timer *clock.Timer
}

// New adds Scheduler's tables to the store.
func New(c Config) *Service {
	return &Service{
		Config:     c,
		groups:     store.NewTable[Group](c.Store),
		schedules:  store.NewTable[Schedule](c.Store),
		deliveries: store.NewTable[delivery](c.Store),
		tokens:     store.NewTable[usedToken](c.Store),
	}
}

// Operations are the actions that Scheduler answers.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
func (s *Service) Operations() []call.Operation {
	return []call.Operation{
		call.Writes("CreateScheduleGroup", s.createGroup).At(http.MethodPost, "/schedule-groups/{Name}"),
		call.Reads("GetScheduleGroup", s.getGroup).At(http.MethodGet, "/schedule-groups/{Name}"),
		call.Writes("DeleteScheduleGroup", s.deleteGroup).At(http.MethodDelete, "/schedule-groups/{Name}"),
		call.Reads("ListScheduleGroups", s.listGroups).At(http.MethodGet, "/schedule-groups"),
		call.Writes("CreateSchedule", s.createSchedule).At(http.MethodPost, "/schedules/{Name}"),
		call.Reads("GetSchedule", s.getSchedule).At(http.MethodGet, "/schedules/{Name}"),
		call.Writes("UpdateSchedule", s.updateSchedule).At(http.MethodPut, "/schedules/{Name}"),
		call.Writes("DeleteSchedule", s.deleteSchedule).At(http.MethodDelete, "/schedules/{Name}"),
		call.Reads("ListSchedules", s.listSchedules).At(http.MethodGet, "/schedules"),
		call.Writes("TagResource", s.tagResource).At(http.MethodPost, "/tags/{ResourceArn}"),
		call.Writes("UntagResource", s.untagResource).At(http.MethodDelete, "/tags/{ResourceArn}"),
		call.Reads("ListTagsForResource", s.listTags).At(http.MethodGet, "/tags/{ResourceArn}"),
	}
}

func (s *Service) groupARN(region, group string) string {
	return "arn:aws:scheduler:" + region + ":" + s.Account + ":schedule-group/" + group
}

func (s *Service) scheduleARN(region, group, name string) string {
	return "arn:aws:scheduler:" + region + ":" + s.Account + ":schedule/" + group + "/" + name
}

var nameForm = regexp.MustCompile(`^[0-9a-zA-Z-_.]{1,64}$`)

// checkName holds the name of a group or a schedule to AWS's model.
func checkName(field, name string) error {
	if !nameForm.MatchString(name) {
		return errValidation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [0-9a-zA-Z-_.]+ and have a length of 1 to 64", name, field)
	}
	return nil
}

// checkPage is the size of a page: 100 unless the caller wants fewer.
func checkPage(wanted *int) (int, error) {
	if wanted == nil {
		return 100, nil
	}
	if *wanted < 1 || *wanted > 100 {
		return 0, errValidation("MaxResults must be between 1 and 100")
	}
	return *wanted, nil
}

type nothing struct{}

// The codes are those of each operation's page.

func errValidation(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}

func errConflict(format string, args ...any) *wire.Error {
	return wire.Statusf(http.StatusConflict, "ConflictException", format, args...)
}

func errNoGroup(name string) *wire.Error {
	return wire.Statusf(http.StatusNotFound, "ResourceNotFoundException", "Schedule group %s does not exist.", name)
}

func errNoSchedule(name string) *wire.Error {
	return wire.Statusf(http.StatusNotFound, "ResourceNotFoundException", "Schedule %s does not exist.", name)
}

// epoch is a time that may be unset, as it is answered.
func epoch(t *time.Time) *wire.Epoch {
	if t == nil {
		return nil
	}
	e := wire.Epoch(*t)
	return &e
}
