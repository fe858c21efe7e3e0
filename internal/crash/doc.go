// Package crash kills spawn, and counts what is left.
//
// Its tests run the program as a process of its own against a cloud in this
// one, kill it at every boundary of every call it makes (before the call, when
// it took effect, after its answer), let the next command do its work, on the
// same machine and on another one, and list the account: nothing of ours may be
// left, and nothing else may have been touched. It also fails, throttles and
// loses every call in turn, and launches and cleans up at the same time.
//
// It holds no code of the product. make test takes a sample of the boundaries,
// whose seed is printed; make crash takes them all.
package crash
