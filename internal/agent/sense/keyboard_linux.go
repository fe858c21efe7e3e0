package sense

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// accessTime is when a terminal was last read from, and a number that tells it
// from another one of the same name.
func accessTime(path string) (accessed time.Time, made uint64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, 0, fmt.Errorf("%s has no access time", path)
	}
	return time.Unix(stat.Atim.Unix()), stat.Ino, nil
}
