// Package journal remembers what a launch in progress has made, so that another
// process can finish or undo it when the first one is gone.
//
// There is one file a launch. It is locked while its launch lives and every
// entry is on disk before Record returns, so after a crash the file is there,
// its lock is free, and it names everything that may exist. A journal is a hint
// for speed: tags alone must suffice to find the same things from another
// machine, and a launch may go on without a journal that cannot be written.
//
// The package knows files and locks. It never calls a service, decides whether
// to finish or to undo, looks at a clock, or chooses where its folder is.
package journal
