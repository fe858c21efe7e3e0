package ask

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/spawn-ec2/spawn/internal/market"
)

// quotas asks how many vCPUs the account may run. Service Quotas has a hundred
// and more quotas of EC2; those of vCPUs are told by their names.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html
func (a *asker) quotas(ctx context.Context, region string) market.Fact[[]market.Quota] {
	client := a.services.QuotasIn(region)
	value, err := pages(ctx, a, func(token *string) ([]market.Quota, *string, error) {
		out, err := client.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{
			ServiceCode: aws.String("ec2"), MaxResults: aws.Int32(100), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		var page []market.Quota
		for _, q := range out.Quotas {
			name := aws.ToString(q.QuotaName)
			spot := strings.HasSuffix(name, " Spot Instance Requests")
			if (spot || strings.HasPrefix(name, "Running On-Demand ")) && q.Value != nil {
				page = append(page, market.Quota{Code: aws.ToString(q.QuotaCode), Name: name, Spot: spot, VCPUs: int(*q.Value)})
			}
		}
		return page, out.NextToken, nil
	})
	return result(value, err, a.asOf)
}
