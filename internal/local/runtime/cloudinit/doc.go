// Package cloudinit is the part of cloud-init that an instance of the local
// cloud needs: it reads user-data from the metadata service as a real machine
// does and runs its boothooks at every boot and its shell scripts once in an
// instance's life.
//
// It follows cloud-init's documented behaviour
// (https://docs.cloud-init.io/en/latest/explanation/format.html). It never
// acts on cloud-config: a part of a type that it does not run is named on the
// console and skipped.
package cloudinit
