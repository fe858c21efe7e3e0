// Package counters writes the files of /proc that would show a machine the
// host's work and age: /proc/stat, /proc/uptime and /proc/loadavg. They show the
// machine's own instead, read from its processes. Who runs a machine lays them
// over the kernel's.
package counters
