// Package machine is the runtime whose machines are real: systemd-nspawn boots
// systemd as the first process of a Debian, whose cloud-init runs the user-data.
// It is for tests alone, on Linux and as root; scripts/e2e-root.sh makes the
// disk that every machine starts from.
//
// A machine writes to its own folder and to the control groups named "machine-"
// and its id. Mounts and network live in namespaces, and all of it goes with the
// machine, even when the cloud is killed. It is no wall: root inside is root.
package machine
