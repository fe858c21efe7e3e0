// Package control is the local cloud's own interface, for its owner alone: its
// state, its clock, its tape, its faults, a way into its machines, its end. It
// has both sides, handler and client.
//
// It is no part of AWS, is never served inside an instance, and every request
// must bear the administrator's secret access key.
package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// Prefix is where the interface is on the cloud's listener.
const Prefix = "/-/"

// Status is how the cloud is.
type Status struct {
	Runtime   string         `json:"runtime"`             // none, process or sandbox
	Account   string         `json:"account"`             // twelve digits
	Started   time.Time      `json:"started"`             // real time
	Uptime    time.Duration  `json:"uptime_ns"`           // real time
	Now       time.Time      `json:"now"`                 // cloud time
	Offset    time.Duration  `json:"offset_ns"`           // how far the clock was advanced
	Instances map[string]int `json:"instances,omitempty"` // by state; terminated ones while they are described
	Calls     uint64         `json:"calls"`               // since the start
}

// Cloud is what the interface controls.
type Cloud interface {
	Status() Status
	Advance(time.Duration) error
	Calls(since uint64) []tape.Call
	Exec(ctx context.Context, instanceID string, c runtime.Command) (exit int, err error)
	// Faults are the rules for what goes wrong.
	Faults() *fault.Set
	// Inflict lets something happen to an instance.
	Inflict(fault.Event) error
	// Shutdown asks the cloud's owner to end it, and returns at once.
	Shutdown()
}

// Handler serves the interface under Prefix to who knows the secret.
func Handler(cloud Cloud, secret string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"status", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, cloud.Status()) })
	mux.HandleFunc("POST "+Prefix+"advance", func(w http.ResponseWriter, r *http.Request) { advance(cloud, w, r) })
	mux.HandleFunc("GET "+Prefix+"tape", func(w http.ResponseWriter, r *http.Request) { readTape(cloud, w, r) })
	mux.HandleFunc("POST "+Prefix+"exec", func(w http.ResponseWriter, r *http.Request) { serveExec(cloud, w, r) })
	handleFaults(mux, cloud)
	mux.HandleFunc("POST "+Prefix+"shutdown", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		cloud.Shutdown()
	})
	want := sha256.Sum256([]byte(secret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(given)) // of the same length, whatever was given
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			http.Error(w, "the administrator's secret access key is needed", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func advance(cloud Cloud, w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.URL.Query().Get("by"))
	if err == nil {
		err = cloud.Advance(d)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, cloud.Status())
}

func readTape(cloud Cloud, w http.ResponseWriter, r *http.Request) {
	since := uint64(0)
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseUint(text, 10, 64); err != nil {
			http.Error(w, "since is the number of a call", http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/jsonl")
	lines := json.NewEncoder(w)
	for _, c := range cloud.Calls(since) {
		if lines.Encode(c) != nil { // the reader is gone
			return
		}
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails only if the reader is gone
}
