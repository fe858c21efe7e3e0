// Package quotas is Service Quotas of the local cloud: the vCPU quotas of EC2
// in a new account, with AWS's defaults. They are told and cannot be raised.
//
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/Welcome.html
package quotas

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

const (
	ec2Code = "ec2"
	ec2Name = "Amazon Elastic Compute Cloud (Amazon EC2)"
)

// quota is a number of vCPUs that may run at once in a region.
type quota struct {
	code  string
	name  string
	class string // as CloudWatch names its usage; empty where no source tells
	vcpus float64
}

// published are EC2's vCPU quotas and what they are in a new account, sorted by
// code. There is no Spot quota of its own for high memory and HPC instances.
//
// On-Demand: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits
// Spot: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html
func published() []quota {
	all := []quota{
		{"L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "Standard/OnDemand", 5},
		{"L-DB2E81BA", "Running On-Demand G and VT instances", "G/OnDemand", 0},
		{"L-417A185B", "Running On-Demand P instances", "P/OnDemand", 0},
		{"L-74FC7D96", "Running On-Demand F instances", "F/OnDemand", 0},
		{"L-7295265B", "Running On-Demand X instances", "X/OnDemand", 0},
		{"L-1945791B", "Running On-Demand Inf instances", "Inf/OnDemand", 0},
		{"L-2C3B7624", "Running On-Demand Trn instances", "", 0},
		{"L-6E869C2A", "Running On-Demand DL instances", "", 0},
		{"L-43DA4232", "Running On-Demand High Memory instances", "", 0},
		{"L-F7808C92", "Running On-Demand HPC instances", "", 0},
		{"L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", "Standard/Spot", 5},
		{"L-3819A6DF", "All G and VT Spot Instance Requests", "G/Spot", 0},
		{"L-7212CCBC", "All P Spot Instance Requests", "P/Spot", 0},
		{"L-88CF9481", "All F Spot Instance Requests", "F/Spot", 0},
		{"L-E3A00192", "All X Spot Instance Requests", "X/Spot", 0},
		{"L-B5D1601B", "All Inf Spot Instance Requests", "Inf/Spot", 0},
		{"L-6B0D517C", "All Trn Spot Instance Requests", "", 0},
		{"L-85EED4F7", "All DL Spot Instance Requests", "", 0},
	}
	slices.SortFunc(all, func(a, b quota) int {
		if a.code < b.code {
			return -1
		}
		return 1
	})
	return all
}

// Service is Service Quotas of one account.
type Service struct {
	account string
}

// New makes the service.
func New(account string) *Service { return &Service{account} }

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
		Value: q.vcpus, Unit: "None", Adjustable: true, QuotaAppliedAtLevel: "ACCOUNT",
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
	for _, q := range published() {
		if in.ServiceCode == ec2Code && q.code == in.QuotaCode {
			return &getServiceQuotaOutput{s.view(c.Region, q)}, nil
		}
	}
	return nil, errNoSuchResource()
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
