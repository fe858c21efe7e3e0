package ec2

import "time"

// addOptions checks the launch's market, hibernation and CPU credits against
// what was found, and notes the terms of Spot.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreditSpecificationRequest.html
func (p *launchPlan) addOptions(in *runInput, region string, now time.Time) (err error) {
	if in.spot() {
		if p.spot, err = in.spotTerms(now); err != nil {
			return err
		}
		if err := checkSpotPrice(region, in.InstanceType, p.spot); err != nil {
			return err
		}
	}
	if in.HibernationOptions.Configured {
		if err := checkHibernation(p.kind, p.image, p.volumes[0]); err != nil {
			return err
		}
	}
	if in.CreditSpecification.CPUCredits != "" && !p.kind.Burstable {
		return errCombination("The instance type '%s' does not support CPU credits", p.kind.Name)
	}
	return nil
}
