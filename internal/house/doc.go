// Package house holds up the walls between the packages of this repository: who
// may import whom, and why, and what spored may weigh. It has tests and nothing
// else, and no program imports it.
//
// A wall that is in the way of a better house may be moved, here and in
// docs/architecture.md, with the reason. A new package needs a floor.
package house
