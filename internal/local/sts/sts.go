// Package sts is STS of the local cloud: who a caller is, and the temporary
// credentials of instances.
//
// Credentials come from it only for an instance, through that instance's
// metadata; there is no way to ask for them over the network.
package sts

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/iam"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// The life of an instance's credentials, and their age at which the next are
// made. AWS gives about six hours and has new ones at the latest five minutes
// before the old ones expire.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
const (
	sessionLife   = 6 * time.Hour
	sessionRenew  = time.Hour
	sessionsOwner = "ec2.amazonaws.com"
)

// Service is STS.
type Service struct {
	iam      *iam.Service
	sessions *store.Table[Session]
}

// Session are temporary credentials; their key in the table is the access key.
type Session struct {
	AccessKeyID string
	Secret      string
	Token       string
	Role        string
	Name        string // of the session: the instance's id
	Source      string // the instance's ARN
	Issued      time.Time
	Expires     time.Time
}

// New adds STS's table to s.
func New(s *store.Store, i *iam.Service) *Service {
	return &Service{iam: i, sessions: store.NewTable[Session](s)}
}

// Identify finds the session of a temporary access key. One that has expired
// is found as well: its caller is told so.
func (s *Service) Identify(tx *store.Tx, accessKeyID string) (auth.Secret, call.Principal, bool) {
	session, found := s.sessions.Get(tx, accessKeyID)
	if !found {
		return auth.Secret{}, call.Principal{}, false
	}
	p, found := s.iam.Session(tx, session.Role, session.Name, session.Source)
	return auth.Secret{Key: session.Secret, Token: session.Token, Expires: session.Expires}, p, found
}

// ForInstance gives an instance the credentials of a role: those it has while
// they are young, else new ones. It is false if the role does not exist or does
// not trust EC2.
func (s *Service) ForInstance(tx *store.Tx, role, instanceID, instanceARN string) (Session, bool) {
	if !s.iam.Trusts(tx, role, sessionsOwner) {
		return Session{}, false
	}
	for _, old := range s.sessions.All(tx) {
		switch {
		case !tx.Now().Before(old.Expires.Add(sessionRenew)): // long of no use to anyone
			s.sessions.Delete(tx, old.AccessKeyID)
		case old.Name == instanceID && old.Role == role && tx.Now().Sub(old.Issued) < sessionRenew:
			return old, true
		}
	}
	session := Session{
		AccessKeyID: call.NewAccessKeyID("ASIA"),
		Secret:      call.NewSecret(),
		Token:       call.NewSecret() + call.NewSecret() + call.NewSecret(),
		Role:        role,
		Name:        instanceID,
		Source:      instanceARN,
		Issued:      tx.Now(),
		Expires:     tx.Now().Add(sessionLife),
	}
	s.sessions.Put(tx, session.AccessKeyID, session)
	return session, true
}

// Operations are the actions that STS answers.
func (s *Service) Operations() []call.Operation {
	return []call.Operation{call.Reads("GetCallerIdentity", getCallerIdentity)}
}

type noInput struct{}

type identityOutput struct {
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
	Arn     string `xml:"Arn"`
}

// getCallerIdentity needs no permission.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func getCallerIdentity(_ *store.Tx, c *call.Caller, _ *noInput) (*identityOutput, error) {
	return &identityOutput{c.UserID, c.Account, c.ARN}, nil
}
