package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// stateFile is what a cloud that is kept knows; the rest of its folder are
// disks and objects' bodies.
const stateFile = "state.db"

// identity is what makes a restored cloud the same one to its clients.
type identity struct {
	Account string
	Admin   Credentials
}

// identityRow is the one row of the table of identities.
const identityRow = "cloud"

// clear removes what an earlier cloud left in the folder, or only what has lost
// its meaning when state is kept but there is none.
func (o Options) clear() error {
	if o.Keep {
		if _, err := os.Stat(filepath.Join(o.Dir, stateFile)); err == nil {
			return nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look for the state of an earlier cloud: %w", err)
		}
	}
	for _, sub := range []string{"instances", "objects", stateFile} {
		if err := os.RemoveAll(filepath.Join(o.Dir, sub)); err != nil {
			return fmt.Errorf("remove what an earlier cloud left: %w", err)
		}
	}
	return nil
}

// restore fills the store from the state that was kept. It is false when there
// is none, or none is kept.
func (c *Cloud) restore(identities *store.Table[identity]) (bool, error) {
	o := &c.options
	if !o.Keep {
		return false, nil
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return false, fmt.Errorf("make the cloud's folder: %w", err)
	}
	keeper, saved, err := c.store.Keep(filepath.Join(o.Dir, stateFile), o.Log)
	if err != nil {
		return false, err
	}
	c.keeper = keeper
	if saved.IsZero() {
		return false, nil
	}
	var was identity
	err = c.store.View(func(tx *store.Tx) error {
		var found bool
		if was, found = identities.Get(tx, identityRow); !found {
			return errors.New("the state that was kept does not say whose it is")
		}
		return nil
	})
	switch {
	case err != nil:
		return false, err
	case was.Account != o.Account:
		return false, fmt.Errorf("the state that was kept is that of account %s, not %s", was.Account, o.Account)
	case o.Admin != (Credentials{}) && o.Admin != was.Admin:
		return false, errors.New("the state that was kept has another administrator")
	}
	o.Admin = was.Admin
	return true, catchUp(o.Clock, saved)
}

// catchUp sees to it that cloud time never goes back: not behind what was last
// shown.
func catchUp(c *clock.Clock, shown time.Time) error {
	if behind := shown.Sub(c.Now()); behind > 0 {
		return c.Advance(behind)
	}
	return nil
}

// found makes the account of a new cloud, with its administrator and networks.
func (c *Cloud) found(identities *store.Table[identity]) error {
	return c.store.Update(func(tx *store.Tx) error {
		admin := c.options.Admin
		identities.Put(tx, identityRow, identity{c.options.Account, admin})
		c.iam.AddAdministrator(tx, "admin", admin.AccessKeyID, admin.SecretAccessKey)
		c.ec2.AddDefaultNetworks(tx)
		return nil
	})
}

// resume takes every service up again where the restored state has it.
func (c *Cloud) resume() error {
	if err := errors.Join(c.s3.Restore(), c.ec2.Restore()); err != nil {
		return err
	}
	c.scheduler.Resume()
	return nil
}
