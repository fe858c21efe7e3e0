package sandbox

import (
	"hash/fnv"

	"golang.org/x/sys/unix"
)

// processors are those of the host that a machine runs on: as many as it has
// virtual ones, if the host has as many, and chosen by its id, so that small
// machines do not crowd on the first. nil means all. nproc inside counts them;
// what reads /proc/cpuinfo or /sys sees the host's.
func processors(id string, vcpus int) *unix.CPUSet {
	var all, some unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil || vcpus < 1 || all.Count() <= vcpus {
		return nil
	}
	var usable []int
	for cpu := 0; len(usable) < all.Count(); cpu++ {
		if all.IsSet(cpu) {
			usable = append(usable, cpu)
		}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	first := int(h.Sum32() % uint32(len(usable)))
	for i := range vcpus {
		some.Set(usable[(first+i)%len(usable)])
	}
	return &some
}

// startOn starts the init on the given processors, which all that it starts
// inherits. The calling goroutine must be locked to its thread.
func (b *boot) startOn(some *unix.CPUSet) error {
	var all unix.CPUSet
	if some == nil {
		return b.cmd.Start()
	}
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, some); err != nil {
		b.log.Warn("the machine has all of the host's processors", "error", err)
	}
	err := b.cmd.Start()
	if err := unix.SchedSetaffinity(0, &all); err != nil {
		b.log.Warn("a thread of the cloud keeps to the processors of a machine", "error", err)
	}
	return err
}
