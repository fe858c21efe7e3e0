package local_test

import (
	"path/filepath"
	"testing"
)

func TestBoto3ReadsTheJSONServices(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short")
	}
	w := newWorld(t)
	if _, err := w.command("python3", "-c", "import boto3"); err != nil {
		t.Skip("boto3 is missing: this foreign client judges nothing here")
	}
	if out, err := w.command("python3", filepath.Join("testdata", "services.py")); err != nil {
		t.Fatal(out)
	}
}
