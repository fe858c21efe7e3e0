package sense

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestScripts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "user-scripts")
	if all, err := Scripts(path); err != nil || all != nil {
		t.Errorf("without a record: %v, %v", all, err)
	}
	record := `{"script":"10-setup","started":"2026-11-23T12:00:00Z"}
{"script":"10-setup","ended":"2026-11-23T12:05:00Z","exit":3}
{"script":"20-train","started":"2026-11-23T12:05:01Z"}
{"script":"30-gone","failed":"the script could not be written to the disk","ended":"2026-11-23T12:06:00Z"}
` + "\x00\xff garbage\n" + `{"script":"20-tr`
	if err := os.WriteFile(path, []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Scripts(path)
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	if s := all[0]; s.Exit == nil || *s.Exit != 3 || s.Ended.Sub(s.Started) != 5*time.Minute {
		t.Errorf("it ended with %+v", s)
	}
	if s := all[1]; s.Exit != nil || s.Started.IsZero() || !s.Ended.IsZero() {
		t.Errorf("it runs, but is %+v", s)
	}
	if s := all[2]; s.Failed == "" || s.Exit != nil {
		t.Errorf("it could not run, but is %+v", s)
	}
}
