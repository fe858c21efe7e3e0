// Package quotas is Service Quotas of the local cloud: the vCPU quotas of EC2.
// What it tells is what launches are held to. An account's values are generous
// until a fault sets others.
//
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/Welcome.html
package quotas

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

const (
	ec2Code = "ec2"
	ec2Name = "Amazon Elastic Compute Cloud (Amazon EC2)"

	// applied is every quota of this cloud's account, in vCPUs.
	applied = 100_000
)

// Rules are what sets quotas.
type Rules interface {
	// Quota is the number of vCPUs that a quota of a region is set to. asNew
	// stands for what a new account has. set is false where nothing sets it.
	Quota(region, code string) (vcpus float64, asNew, set bool)
}

// Service is Service Quotas of one account.
type Service struct {
	account string
	rules   Rules
}

// New makes the service.
func New(account string, rules Rules) *Service { return &Service{account, rules} }

// VCPUs is how many vCPUs the quota with a code, one of Code's, lets run at once
// in a region.
func (s *Service) VCPUs(region, code string) float64 {
	q, known := find(code)
	vcpus, asNew, set := s.rules.Quota(region, code)
	switch {
	case !known:
		return 0
	case asNew:
		return q.vcpus
	case set:
		return vcpus
	}
	return applied
}

// Operations are the actions that Service Quotas answers.
func (s *Service) Operations() []call.Operation {
	return []call.Operation{
		call.Reads("GetServiceQuota", s.getServiceQuota),
		call.Reads("ListServiceQuotas", s.listServiceQuotas),
	}
}

type quotaView struct {
	ServiceCode         string
	ServiceName         string
	QuotaArn            string
	QuotaCode           string
	QuotaName           string
	Value               float64
	Unit                string
	Adjustable          bool
	GlobalQuota         bool
	UsageMetric         *metricView `json:",omitempty"`
	QuotaAppliedAtLevel string
}

type metricView struct {
	MetricNamespace               string
	MetricName                    string
	MetricDimensions              map[string]string
	MetricStatisticRecommendation string
}

func (s *Service) arn(region, code string) string {
	return "arn:aws:servicequotas:" + region + ":" + s.account + ":" + ec2Code + "/" + code
}

// view is a quota as it is answered.
//
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ServiceQuota.html
func (s *Service) view(region string, q quota) quotaView {
	v := quotaView{
		ServiceCode: ec2Code, ServiceName: ec2Name, QuotaArn: s.arn(region, q.code), QuotaCode: q.code, QuotaName: q.name,
		Value: s.VCPUs(region, q.code), Unit: "None", Adjustable: true, QuotaAppliedAtLevel: "ACCOUNT",
	}
	if q.class != "" {
		v.UsageMetric = &metricView{
			MetricNamespace: "AWS/Usage", MetricName: "ResourceCount", MetricStatisticRecommendation: "Maximum",
			MetricDimensions: map[string]string{"Class": q.class, "Resource": "vCPU", "Service": "EC2", "Type": "Resource"},
		}
	}
	return v
}

type getServiceQuotaInput struct {
	ServiceCode string
	QuotaCode   string
}

type getServiceQuotaOutput struct {
	Quota quotaView
}

// getServiceQuota tells one quota.
//
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
func (s *Service) getServiceQuota(_ *store.Tx, c *call.Caller, in *getServiceQuotaInput) (*getServiceQuotaOutput, error) {
	if in.ServiceCode == "" || in.QuotaCode == "" {
		return nil, errArgument("ServiceCode and QuotaCode are required")
	}
	resource := "arn:aws:servicequotas:" + c.Region + ":" + s.account + ":" + in.ServiceCode + "/" + in.QuotaCode
	if err := c.Require("servicequotas:GetServiceQuota", resource, nil); err != nil {
		return nil, err
	}
	q, known := find(in.QuotaCode)
	if in.ServiceCode != ec2Code || !known {
		return nil, errNoSuchResource()
	}
	return &getServiceQuotaOutput{s.view(c.Region, q)}, nil
}

type listServiceQuotasInput struct {
	ServiceCode string
	NextToken   string
	MaxResults  *int
}

type listServiceQuotasOutput struct {
	Quotas    []quotaView
	NextToken string `json:",omitempty"`
}

// listServiceQuotas tells all quotas of a service, a hundred a page.
//
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
func (s *Service) listServiceQuotas(_ *store.Tx, c *call.Caller, in *listServiceQuotasInput) (*listServiceQuotasOutput, error) {
	if err := c.Require("servicequotas:ListServiceQuotas", "*", nil); err != nil {
		return nil, err
	}
	if in.ServiceCode != ec2Code {
		return nil, errNoSuchResource()
	}
	size := 100
	if in.MaxResults != nil {
		if size = *in.MaxResults; size < 1 || size > 100 {
			return nil, errArgument("MaxResults must be between 1 and 100")
		}
	}
	part, next, ok := call.Page(published(), func(q quota) string { return q.code }, ec2Code, in.NextToken, size)
	if !ok {
		return nil, wire.Errorf("InvalidPaginationTokenException", "An invalid pagination token was provided.")
	}
	out := &listServiceQuotasOutput{Quotas: []quotaView{}, NextToken: next}
	for _, q := range part {
		out.Quotas = append(out.Quotas, s.view(c.Region, q))
	}
	return out, nil
}

func errNoSuchResource() *wire.Error {
	return wire.Errorf("NoSuchResourceException", "The request failed because the specified service or quota does not exist.")
}

func errArgument(format string, args ...any) *wire.Error {
	return wire.Errorf("IllegalArgumentException", format, args...)
}
