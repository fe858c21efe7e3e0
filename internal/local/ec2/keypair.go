package ec2

import (
	"crypto/md5" //nolint:gosec // EC2's fingerprint of RSA keys is defined as MD5
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// KeyPair is a public key that was imported.
type KeyPair struct {
	ID, Region, Name string
	Type             string // rsa or ed25519
	Public           string // as authorized_keys has it, without a comment
	Fingerprint      string
	Created          time.Time
}

func (k KeyPair) origin() origin { return origin{"key", k.ID, k.Region, k.Created} }

// keyNamed finds the key pair that has a name in a region.
func (s *Service) keyNamed(tx *store.Tx, region, name string) (KeyPair, bool) {
	for _, k := range s.keys.All(tx) {
		if k.Region == region && k.Name == name {
			return k, true
		}
	}
	return KeyPair{}, false
}

// findKey finds a key pair by its name for a caller.
func (s *Service) findKey(tx *store.Tx, region, name string) (KeyPair, error) {
	k, found := s.keyNamed(tx, region, name)
	if !found || !s.keys.shows(k.origin(), region) {
		return KeyPair{}, wire.Errorf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", name)
	}
	return k, nil
}

type importKeyPairInput struct {
	call.Dry
	KeyName string
	Public  []byte             `query:"PublicKeyMaterial"`
	Tags    []tagSpecification `query:"TagSpecification"`
}

type importKeyPairOutput struct {
	ID          string          `xml:"keyPairId"`
	Name        string          `xml:"keyName"`
	Fingerprint string          `xml:"keyFingerprint"`
	Tags        wire.Items[Tag] `xml:"tagSet"`
}

func (s *Service) importKeyPair(tx *store.Tx, c *call.Caller, in *importKeyPairInput) (*importKeyPairOutput, error) {
	switch {
	case in.KeyName == "":
		return nil, errMissing("KeyName")
	case len(in.KeyName) > 255 || !isASCII(in.KeyName):
		return nil, errValue("Invalid key pair name: up to 255 ASCII characters are allowed")
	case len(in.Public) == 0:
		return nil, errMissing("PublicKeyMaterial")
	}
	specs, err := readSpecifications(in.Tags, "key-pair")
	if err != nil {
		return nil, err
	}
	tags := specs["key-pair"]
	keys := s.regionKey(c).Merge(requestKeys(tags))
	if err := c.Require("ec2:ImportKeyPair", s.arn(c.Region, "key-pair", in.KeyName), keys); err != nil {
		return nil, err
	}
	if err := s.requireTagging(c, "ImportKeyPair", "key-pair", tags); err != nil {
		return nil, err
	}
	k, err := readPublicKey(in.Public)
	if err != nil {
		return nil, err
	}
	if _, taken := s.keyNamed(tx, c.Region, in.KeyName); taken {
		return nil, wire.Errorf("InvalidKeyPair.Duplicate", "The key pair '%s' already exists.", in.KeyName)
	}
	k.ID, k.Region, k.Name, k.Created = call.NewID("key"), c.Region, in.KeyName, tx.Now()
	s.keys.Put(tx, k.ID, k)
	s.tag(tx, k.ID, tags)
	return &importKeyPairOutput{k.ID, k.Name, k.Fingerprint, listTags(tags)}, nil
}

// readPublicKey reads a key in OpenSSH's format: RSA of a documented length, or
// ED25519. AWS also takes RSA keys in DER and in the format of RFC 4716.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-key-pairs.html#how-to-generate-your-own-key-and-import-it-to-aws
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html
func readPublicKey(text []byte) (KeyPair, error) {
	malformed := wire.Errorf("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	public, _, _, rest, err := ssh.ParseAuthorizedKey(text)
	if err != nil || len(strings.TrimSpace(string(rest))) > 0 {
		return KeyPair{}, malformed
	}
	k := KeyPair{Public: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))}
	switch public.Type() {
	case ssh.KeyAlgoED25519:
		sum := sha256.Sum256(public.Marshal())
		k.Type, k.Fingerprint = "ed25519", base64.StdEncoding.EncodeToString(sum[:])
		return k, nil
	case ssh.KeyAlgoRSA:
		crypto, can := public.(ssh.CryptoPublicKey)
		if !can {
			return KeyPair{}, malformed
		}
		key, can := crypto.CryptoPublicKey().(*rsa.PublicKey)
		if !can || !slices.Contains([]int{1024, 2048, 4096}, key.N.BitLen()) {
			return KeyPair{}, wire.Errorf("InvalidKey.Format", "Key length is not supported: 1024, 2048 and 4096 are")
		}
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return KeyPair{}, malformed
		}
		sum := md5.Sum(der) //nolint:gosec // see the import
		k.Type, k.Fingerprint = "rsa", strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":")
		return k, nil
	}
	return KeyPair{}, malformed
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

type describeKeyPairsInput struct {
	call.Dry
	IncludePublicKey bool
	Filters          []filter `query:"Filter"`
	Names            []string `query:"KeyName"`
	IDs              []string `query:"KeyPairId"`
}

type keyPairView struct {
	ID          string          `xml:"keyPairId"`
	Name        string          `xml:"keyName"`
	Fingerprint string          `xml:"keyFingerprint"`
	Type        string          `xml:"keyType"`
	Public      string          `xml:"publicKey,omitempty"`
	Created     string          `xml:"createTime"`
	Tags        wire.Items[Tag] `xml:"tagSet"`
}

type describeKeyPairsOutput struct {
	Keys wire.Items[keyPairView] `xml:"keySet"`
}

func (k KeyPair) attribute(name string) ([]string, bool) {
	switch name {
	case "key-name":
		return one(k.Name)
	case "key-pair-id":
		return one(k.ID)
	case "fingerprint":
		return one(k.Fingerprint)
	}
	return nil, false
}

// describeKeyPairs tells of all that pass, without pages.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeKeyPairs.html
func (s *Service) describeKeyPairs(tx *store.Tx, c *call.Caller, in *describeKeyPairsInput) (*describeKeyPairsOutput, error) {
	l := listingOf(s, tx, c, s.keys, KeyPair.attribute, limits{})
	l.named = func(name string) (KeyPair, error) { return s.findKey(tx, c.Region, name) }
	found, _, err := l.list(Listing{Filters: in.Filters}, in.IDs, in.Names...)
	if err != nil {
		return nil, err
	}
	return &describeKeyPairsOutput{show(found, func(k KeyPair) keyPairView {
		v := keyPairView{ID: k.ID, Name: k.Name, Fingerprint: k.Fingerprint, Type: k.Type, Created: wire.Time(k.Created), Tags: s.tagList(tx, k.ID)}
		if in.IncludePublicKey {
			v.Public = k.Public + " " + k.Name
		}
		return v
	})}, nil
}

type deleteKeyPairInput struct {
	call.Dry
	KeyName   string
	KeyPairID string `query:"KeyPairId"`
}

type deleteKeyPairOutput struct {
	Return bool   `xml:"return"`
	ID     string `xml:"keyPairId,omitempty"`
}

// deleteKeyPair succeeds as well for a key that does not exist.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html
func (s *Service) deleteKeyPair(tx *store.Tx, c *call.Caller, in *deleteKeyPairInput) (*deleteKeyPairOutput, error) {
	if (in.KeyName == "") == (in.KeyPairID == "") {
		return nil, errCombination("Exactly one of KeyName and KeyPairId must be specified")
	}
	k, found := s.keyNamed(tx, c.Region, in.KeyName)
	if in.KeyPairID != "" {
		k, found = s.keys.Get(tx, in.KeyPairID)
		found = found && k.Region == c.Region
	}
	if !found {
		k = KeyPair{Name: in.KeyName}
	}
	if err := c.Require("ec2:DeleteKeyPair", s.arn(c.Region, "key-pair", k.Name), s.resourceKeys(tx, c.Region, k.ID)); err != nil {
		return nil, err
	}
	s.keys.Delete(tx, k.ID)
	s.tags.Delete(tx, k.ID)
	return &deleteKeyPairOutput{true, k.ID}, nil
}
