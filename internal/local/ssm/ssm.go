// Package ssm is Systems Manager of the local cloud, as far as it publishes the
// ids of public images: its Parameter Store holds the parameters that a launch
// can name, and no others. Nobody can put one.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
package ssm

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/ec2"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// publicRoot is where AWS's own parameters are; nobody else's name may begin so.
const publicRoot = "/aws/service/"

// Service is Systems Manager of one account.
type Service struct {
	account string
}

// New makes the service.
func New(account string) *Service { return &Service{account} }

// Operations are the actions that Systems Manager answers.
func (s *Service) Operations() []call.Operation {
	return []call.Operation{
		call.Reads("GetParameter", s.getParameter),
		call.Reads("GetParameters", s.getParameters),
		call.Reads("GetParametersByPath", s.getParametersByPath),
	}
}

// parameterView is a parameter as it is answered. When a public one was changed
// last is left out: nobody here knows it.
type parameterView struct {
	Name     string
	Type     string
	Value    string
	Version  int
	ARN      string
	DataType string
}

// published are the parameters of a region, sorted by name.
func (s *Service) published(region string) []parameterView {
	var all []parameterView
	for _, image := range ec2.PublicImages(region) {
		all = append(all, parameterView{
			Name: image.Parameter, Type: "String", Value: image.ID, Version: 1,
			ARN: s.arn(region, image.Parameter), DataType: "text",
		})
	}
	slices.SortFunc(all, func(a, b parameterView) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// arn is a parameter's ARN: public ones have no account in theirs.
func (s *Service) arn(region, name string) string {
	account := s.account
	if strings.HasPrefix(name+"/", publicRoot) {
		account = ""
	}
	return "arn:aws:ssm:" + region + ":" + account + ":parameter/" + strings.TrimPrefix(name, "/")
}

// find looks a parameter up by its name or its ARN.
func (s *Service) find(region, name string) (parameterView, bool) {
	all := s.published(region)
	i := slices.IndexFunc(all, func(p parameterView) bool { return p.Name == name || p.ARN == name })
	if i < 0 {
		return parameterView{}, false
	}
	return all[i], true
}

// require asks for the permission to read the parameter that a request names.
func (s *Service) require(c *call.Caller, action, name string) error {
	resource := name
	if !strings.HasPrefix(name, "arn:") {
		resource = s.arn(c.Region, name)
	}
	return c.Require(action, resource, nil)
}

// checkName holds a name to its length in AWS's model.
func checkName(name string) error {
	if name == "" || len(name) > 2048 {
		return errValidation("A parameter's name must have 1 to 2048 characters")
	}
	return nil
}

// WithDecryption is taken and changes nothing, as AWS says of parameters that
// are not secure strings.
type getParameterInput struct {
	Name           string
	WithDecryption bool
}

type getParameterOutput struct {
	Parameter parameterView
}

// getParameter reads one parameter.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (s *Service) getParameter(_ *store.Tx, c *call.Caller, in *getParameterInput) (*getParameterOutput, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if err := s.require(c, "ssm:GetParameter", in.Name); err != nil {
		return nil, err
	}
	p, found := s.find(c.Region, in.Name)
	if !found {
		return nil, wire.Errorf("ParameterNotFound", "Parameter %s not found.", in.Name)
	}
	return &getParameterOutput{p}, nil
}

type getParametersInput struct {
	Names          []string
	WithDecryption bool
}

type getParametersOutput struct {
	Parameters        []parameterView
	InvalidParameters []string
}

// getParameters reads up to ten parameters; those that do not exist are listed
// apart and are no error.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
func (s *Service) getParameters(_ *store.Tx, c *call.Caller, in *getParametersInput) (*getParametersOutput, error) {
	if n := len(in.Names); n < 1 || n > 10 {
		return nil, errValidation("1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10, not %d", n)
	}
	out := &getParametersOutput{Parameters: []parameterView{}, InvalidParameters: []string{}}
	for n, name := range in.Names {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if err := s.require(c, "ssm:GetParameters", name); err != nil {
			return nil, err
		}
		if slices.Contains(in.Names[:n], name) {
			continue
		}
		if p, found := s.find(c.Region, name); found {
			out.Parameters = append(out.Parameters, p)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

type byPathInput struct {
	Path           string
	Recursive      bool
	WithDecryption bool
	MaxResults     *int
	NextToken      string
}

type byPathOutput struct {
	Parameters []parameterView
	NextToken  string `json:",omitempty"`
}

// getParametersByPath lists what is directly below a path or, where the caller
// wants it recursive, anywhere below. A page has ten at most.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
func (s *Service) getParametersByPath(_ *store.Tx, c *call.Caller, in *byPathInput) (*byPathOutput, error) {
	if err := checkName(in.Path); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.Path, "/") {
		return nil, errValidation("The parameter path must begin with a slash: %s", in.Path)
	}
	path := strings.TrimSuffix(in.Path, "/")
	if err := s.require(c, "ssm:GetParametersByPath", path); err != nil {
		return nil, err
	}
	size := 10
	if in.MaxResults != nil {
		if size = *in.MaxResults; size < 1 || size > 10 {
			return nil, errValidation("MaxResults must be between 1 and 10")
		}
	}
	below := slices.DeleteFunc(s.published(c.Region), func(p parameterView) bool {
		rest, under := strings.CutPrefix(p.Name, path+"/")
		return !under || (!in.Recursive && strings.Contains(rest, "/"))
	})
	part, next, ok := call.Page(below, func(p parameterView) string { return p.Name }, path, in.NextToken, size)
	if !ok {
		return nil, wire.Errorf("InvalidNextToken", "The specified token is not valid.")
	}
	if part == nil {
		part = []parameterView{}
	}
	return &byPathOutput{part, next}, nil
}

// errValidation is a value out of the bounds of AWS's model.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
func errValidation(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}
