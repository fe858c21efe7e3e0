// Package soak lets several people use spawn's packages for a simulated day, with
// everything going wrong that may, and counts what is left. It holds only tests.
//
// Nothing boots and nothing waits: people, instances and the local cloud are
// goroutines in one synctest bubble, whose time passes as soon as all of them
// wait for it. The cloud's clock, the agents' timers and the pauses of the code
// under test are the same time, so that none of them had to be replaced.
package soak
