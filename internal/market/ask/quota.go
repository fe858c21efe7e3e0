package ask

import (
	"context"

	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/market/quotas"
)

// quotas asks how many vCPUs the account may run.
func (a *asker) quotas(ctx context.Context, region string) market.Fact[[]market.Quota] {
	client := a.services.QuotasIn(region)
	value, err := pages(ctx, a, func(token *string) ([]market.Quota, *string, error) {
		return quotas.Page(ctx, client, token)
	})
	return result(value, err, a.asOf)
}
