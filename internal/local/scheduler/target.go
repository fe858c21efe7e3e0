package scheduler

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// Target is what a schedule calls.
type Target struct {
	Arn         string
	RoleArn     string
	Input       string       `json:",omitempty"`
	RetryPolicy *RetryPolicy `json:",omitempty"`
}

// RetryPolicy bounds how often and how long a call that was throttled is tried
// again; what is unset is 185 attempts and 24 hours.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
type RetryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	MaximumRetryAttempts     *int `json:",omitempty"`
}

// bounds are the retry policy's values, or AWS's.
func (t Target) bounds() (attempts int, age time.Duration) {
	attempts, age = 185, 24*time.Hour
	if p := t.RetryPolicy; p != nil && p.MaximumRetryAttempts != nil {
		attempts = *p.MaximumRetryAttempts
	}
	if p := t.RetryPolicy; p != nil && p.MaximumEventAgeInSeconds != nil {
		age = time.Duration(*p.MaximumEventAgeInSeconds) * time.Second
	}
	return attempts, age
}

// universal begins the ARN of a target that is an operation of some service.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
const universal = "arn:aws:scheduler:::aws-sdk:"

// operation is an operation that a universal target can name.
type operation struct {
	service string
	action  string
	members map[string]string // of its input in JSON, to the parameters of the Query protocol
}

// operationOf finds the operation that an ARN names: by its service and its name
// with a small first letter.
func operationOf(arn string) (operation, bool) {
	for _, o := range []operation{
		{"ec2", "TerminateInstances", map[string]string{"InstanceIds": "InstanceId"}},
		{"ec2", "DeleteSecurityGroup", map[string]string{"GroupId": "GroupId"}},
		{"ec2", "DeleteSubnet", map[string]string{"SubnetId": "SubnetId"}},
		{"ec2", "DetachInternetGateway", map[string]string{"InternetGatewayId": "InternetGatewayId", "VpcId": "VpcId"}},
		{"ec2", "DeleteInternetGateway", map[string]string{"InternetGatewayId": "InternetGatewayId"}},
		{"ec2", "DeleteVpc", map[string]string{"VpcId": "VpcId"}},
		{"ec2", "CancelSpotInstanceRequests", map[string]string{"SpotInstanceRequestIds": "SpotInstanceRequestId"}},
	} {
		if arn == universal+o.service+":"+strings.ToLower(o.action[:1])+o.action[1:] {
			return o, true
		}
	}
	return operation{}, false
}

// form turns a target's input into a request. What does not fit is found here,
// when the schedule fires, and not when it is made.
func (o operation) form(input string) (url.Values, error) {
	var members map[string]any
	if input == "" {
		input = "{}"
	}
	if err := json.Unmarshal([]byte(input), &members); err != nil {
		return nil, fmt.Errorf("the input is not a JSON object: %w", err)
	}
	form := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		parameter, known := o.members[name]
		if !known {
			return nil, fmt.Errorf("%s has no member %s", o.action, name)
		}
		switch value := members[name].(type) {
		case string:
			form.Set(parameter, value)
		case []any:
			for i, item := range value {
				text, ok := item.(string)
				if !ok {
					return nil, fmt.Errorf("%s must be a list of strings", name)
				}
				form.Set(parameter+"."+strconv.Itoa(i+1), text)
			}
		default:
			return nil, fmt.Errorf("%s must be a string or a list of them", name)
		}
	}
	return form, nil
}

var roleForm = regexp.MustCompile(`^arn:aws:iam::\d{12}:role/[\w+=,.@/-]+$`)

// checkTarget checks all of a target that AWS checks when a schedule is made:
// not its input.
func (s *Service) checkTarget(tx *store.Tx, c *call.Caller, group string, t Target) error {
	o, known := operationOf(t.Arn)
	switch {
	case !known || !s.Cloud.Has(o.service, o.action):
		return errValidation("This cloud cannot call the target %s", t.Arn)
	case len(t.RoleArn) > 1600 || !roleForm.MatchString(t.RoleArn):
		return errValidation("The role %q is not the ARN of a role", t.RoleArn)
	}
	attempts, age := t.bounds()
	if attempts < 0 || attempts > 185 || age < time.Minute || age > 24*time.Hour {
		return errValidation("A retry policy has 0 to 185 attempts and an age of 60 to 86400 seconds")
	}
	pass := policy.Context{}
	pass.Set("iam:PassedToService", principal)
	if err := c.Require("iam:PassRole", t.RoleArn, pass); err != nil {
		return err
	}
	if _, may := s.assume(tx, c.Region, group, t.RoleArn); !may {
		return errValidation("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	return nil
}

// assume tells whether Scheduler may take a role on behalf of a group, and gives
// its name. The trust policy sees the group's ARN, not the schedule's.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func (s *Service) assume(tx *store.Tx, region, group, roleARN string) (string, bool) {
	keys := policy.Context{}
	keys.Set("aws:SourceArn", s.groupARN(region, group))
	keys.Set("aws:SourceAccount", s.Account)
	return s.IAM.Assumable(tx, roleARN, principal, keys)
}
