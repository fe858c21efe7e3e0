package iam

import (
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// Assumable tells whether a service may assume the role with an ARN, and gives
// the role's name. keys are what the trust policy's conditions see, such as
// aws:SourceArn.
func (s *Service) Assumable(tx *store.Tx, roleARN, service string, keys policy.Context) (string, bool) {
	r, found := s.aRole().at(tx, roleARN)
	if !found {
		return "", false
	}
	d, err := policy.Parse([]byte(r.Trust), policy.Trust)
	return r.Name, err == nil && d.TrustsService(service, keys)
}
