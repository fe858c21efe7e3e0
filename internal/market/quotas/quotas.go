// Package quotas asks how many vCPUs an account may run. It asks Service Quotas
// and nothing else, so that whoever wants only this carries no more.
package quotas

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/spawn-ec2/spawn/internal/market"
)

// API is what asking calls.
type API interface {
	ListServiceQuotas(context.Context, *servicequotas.ListServiceQuotasInput, ...func(*servicequotas.Options)) (*servicequotas.ListServiceQuotasOutput, error)
}

// Page asks for a page of the quotas of vCPUs; next is nil after the last one.
// Service Quotas has a hundred and more quotas of EC2; those of vCPUs are told by
// their names.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html
func Page(ctx context.Context, api API, token *string) (page []market.Quota, next *string, err error) {
	out, err := api.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{
		ServiceCode: aws.String("ec2"), MaxResults: aws.Int32(100), NextToken: token,
	})
	if err != nil {
		return nil, nil, err
	}
	for _, q := range out.Quotas {
		name := aws.ToString(q.QuotaName)
		spot := strings.HasSuffix(name, " Spot Instance Requests")
		if (spot || strings.HasPrefix(name, "Running On-Demand ")) && q.Value != nil {
			page = append(page, market.Quota{Code: aws.ToString(q.QuotaCode), Name: name, Spot: spot, VCPUs: int(*q.Value)})
		}
	}
	return page, out.NextToken, nil
}

// All asks for all of them.
func All(ctx context.Context, api API) ([]market.Quota, error) {
	var all []market.Quota
	var token *string
	for {
		page, next, err := Page(ctx, api, token)
		if err != nil {
			return nil, fmt.Errorf("read the account's quotas: %w", err)
		}
		all = append(all, page...)
		if aws.ToString(next) == "" {
			return all, nil
		}
		token = next
	}
}
