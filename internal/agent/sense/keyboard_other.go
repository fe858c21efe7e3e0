//go:build !linux

package sense

import (
	"errors"
	"time"
)

// accessTime is known on Linux only; the agent's instances run nothing else.
func accessTime(string) (accessed time.Time, made uint64, err error) {
	return time.Time{}, 0, errors.ErrUnsupported
}
