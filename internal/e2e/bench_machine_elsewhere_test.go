//go:build unix && !linux

package e2e_test

import "testing"

// measureMachine says what is missing here.
func measureMachine(_ *testing.B, t *budgets) {
	t.rows = append(t.rows, "spored under systemd\tnot measured: machines with systemd need Linux")
}
