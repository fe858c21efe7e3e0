// Package lifecycle is the vocabulary that the laptop's programs and the
// agent on the instance share: durations, the deadline, the idle policy, the
// spawn:* tags and the states of an instance.
//
// It does no I/O and never looks at a clock: whoever knows what time it is
// passes it in. That is what lets spawn, spored and the operating system's own
// timer agree on when an instance ends.
package lifecycle
