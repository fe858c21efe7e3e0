package sense

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

// metadataStand is a metadata service whose answers can be changed, and which
// counts what it is asked.
type metadataStand struct {
	mu     sync.Mutex
	paths  map[string]string
	status int // of every answer, if not 0
	asked  map[string]int
	tokens int
	close  bool // the connection, after each answer
}

func newMetadataStand(t testing.TB) (*metadataStand, *Metadata) {
	t.Helper()
	s := &metadataStand{paths: map[string]string{}, asked: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, NewMetadata(server.URL)
}

func (s *metadataStand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.close {
		w.Header().Set("Connection", "close")
	}
	if r.Method == http.MethodPut {
		s.tokens++
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		_, _ = w.Write([]byte("token"))
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/latest/meta-data/")
	s.asked[path]++
	answer, there := s.paths[path]
	if keys := tagKeys(s.paths); path == tagsPath && keys != nil {
		answer, there = strings.Join(keys, "\n"), true
	}
	switch {
	case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "token":
		w.WriteHeader(http.StatusUnauthorized)
	case s.status != 0:
		w.WriteHeader(s.status)
	case !there:
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = w.Write([]byte(answer))
	}
}

func (s *metadataStand) set(paths map[string]string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths, s.status = paths, status
}

var soon = time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)

func TestNotices(t *testing.T) {
	spot := func(action string, at time.Time) []core.Notice {
		return []core.Notice{{Kind: core.SpotInterruption, Action: action, At: at}}
	}
	tests := map[string]struct {
		paths map[string]string
		want  []core.Notice // without ids of our own making
		fails bool
	}{
		"nothing":     {nil, nil, false},
		"termination": {map[string]string{actionPath: `{"action": "terminate", "time": "2026-11-23T18:00:00Z"}`}, spot("terminate", soon), false},
		"stop":        {map[string]string{actionPath: `{"action":"stop","time":"2026-11-23T18:00:00Z"}`}, spot("stop", soon), false},
		"hibernation": {map[string]string{actionPath: `{"action":"hibernate","time":"2026-11-23T18:00:00Z"}`}, spot("hibernate", soon), false},
		"at an unknown time": {
			map[string]string{actionPath: `{"action":"terminate","time":"soon"}`}, spot("terminate", time.Time{}), false,
		},
		"garbage, and the older place": {
			map[string]string{actionPath: "\x00\xff\x01", timePath: "2026-11-23T18:00:00Z"}, spot("terminate", soon), false,
		},
		"garbage in both":   {map[string]string{actionPath: "\x00\xff\x01", timePath: "\xff"}, nil, true},
		"garbage alone":     {map[string]string{actionPath: "$(poweroff)"}, nil, true},
		"an unknown action": {map[string]string{actionPath: `{"action":"explode","time":"2026-11-23T18:00:00Z"}`}, nil, true},
		"a huge answer":     {map[string]string{actionPath: strings.Repeat("{", 1<<20)}, nil, true},
		"deeply nested":     {map[string]string{scheduledPath: strings.Repeat("[", maxNotice)}, nil, true},
		"rebalance": {
			map[string]string{rebalancePath: `{"noticeTime":"2026-11-23T18:00:00Z"}`},
			[]core.Notice{{Kind: core.Rebalance, At: soon}},
			false,
		},
		"rebalance, garbage": {map[string]string{rebalancePath: "<html>"}, nil, true},
		"scheduled events": {
			map[string]string{scheduledPath: `[
				{"NotBefore":"23 Nov 2026 18:00:00 GMT","Code":"system-reboot","EventId":"instance-event-1","State":"active"},
				{"NotBefore":"2 Dec 2026 18:00:00 GMT","Code":"instance-stop","EventId":"instance-event-2","State":"completed"},
				{"NotBefore":"2 Dec 2026 18:00:00 GMT","Code":"instance-stop","EventId":"instance-event-3","State":"canceled"},
				{"NotBefore":"?","Code":"instance-retirement\u0000","EventId":"instance-event-4"}]`},
			[]core.Notice{
				{Kind: core.ScheduledEvent, ID: "instance-event-1", Action: "system-reboot", At: soon},
				{Kind: core.ScheduledEvent, ID: "instance-event-4", Action: "instance-retirement"},
			},
			false,
		},
		"no scheduled event":    {map[string]string{scheduledPath: "[]"}, nil, false},
		"events that are empty": {map[string]string{scheduledPath: "[{},{}]"}, nil, true},
		"one fails, the other stands": {
			map[string]string{actionPath: `{"action":"stop","time":"2026-11-23T18:00:00Z"}`, rebalancePath: "?"}, spot("stop", soon), true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, m := newMetadataStand(t)
			s.set(tt.paths, 0)
			got, err := NewNotices(m, func() time.Duration { return 0 }).Read(t.Context())
			if (err != nil) != tt.fails {
				t.Errorf("the error is %v", err)
			}
			for i := range got {
				if got[i].ID == "" {
					t.Errorf("%+v has no identity", got[i])
				}
				if got[i].Kind != core.ScheduledEvent {
					got[i].ID = ""
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestANoticeKeepsItsIdentity while it stands, however its time drifts, and
// through failures; another notice has another.
func TestANoticeKeepsItsIdentity(t *testing.T) {
	s, m := newMetadataStand(t)
	n := NewNotices(m, func() time.Duration { return 0 })
	at := func(t time.Time) map[string]string {
		return map[string]string{actionPath: `{"action":"stop","time":"` + t.Format(time.RFC3339) + `"}`}
	}
	identity := func() string {
		t.Helper()
		got, err := n.Read(t.Context())
		if len(got) != 1 {
			t.Fatalf("read %v, %v", got, err)
		}
		return got[0].ID
	}
	s.set(at(soon), 0)
	first := identity()
	for i := range 60 {
		s.set(at(soon.Add(time.Duration(i)*time.Minute)), 0)
		if i%5 == 4 {
			s.set(nil, http.StatusInternalServerError)
		}
		if got := identity(); got != first {
			t.Fatalf("reading %d: %q, which was %q", i, got, first)
		}
	}
	s.set(at(soon.Add(24*time.Hour)), 0)
	if identity() == first {
		t.Error("the interruption of another day has the same identity")
	}
	s.set(nil, 0)
	if got, err := n.Read(t.Context()); len(got) != 0 || err != nil {
		t.Errorf("nothing stands, and read %v, %v", got, err)
	}

	// The same notice read by an agent that was restarted.
	s.set(at(soon), 0)
	n = NewNotices(m, func() time.Duration { return 0 })
	if got := identity(); got != first {
		t.Errorf("after a restart it is %q, and was %q", got, first)
	}
}

// TestAFailureIsNotSilence: what stood still stands when it cannot be read.
func TestAFailureIsNotSilence(t *testing.T) {
	s, m := newMetadataStand(t)
	now := time.Duration(0)
	n := NewNotices(m, func() time.Duration { return now })
	s.set(map[string]string{
		actionPath: `{"action":"stop","time":"2026-11-23T18:00:00Z"}`, rebalancePath: `{"noticeTime":"2026-11-23T18:00:00Z"}`,
		scheduledPath: `[{"NotBefore":"23 Nov 2026 18:00:00 GMT","Code":"system-reboot","EventId":"e"}]`,
	}, 0)
	before, err := n.Read(t.Context())
	if err != nil || len(before) != 3 {
		t.Fatalf("read %v, %v", before, err)
	}
	for _, status := range []int{http.StatusInternalServerError, http.StatusForbidden, http.StatusTooManyRequests} {
		s.set(nil, status)
		now += time.Hour
		after, err := n.Read(t.Context())
		if err == nil {
			t.Errorf("%d is no error", status)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("after %d (-want +got):\n%s", status, diff)
		}
	}
}

// TestHowOftenNoticesAreRead in ten minutes at a look every five seconds, over
// one connection with one token: how the instance was bought decides.
func TestHowOftenNoticesAreRead(t *testing.T) {
	often := map[string]int{lifeCyclePath: 1, actionPath: 120, rebalancePath: 10, scheduledPath: 10}
	for bought, want := range map[string]map[string]int{
		"spot":           often,
		"":               often, // unknown
		"capacity-block": often,
		"on-demand":      {lifeCyclePath: 1, actionPath: 10, rebalancePath: 10, scheduledPath: 10},
	} {
		t.Run(bought, func(t *testing.T) {
			s, m := newMetadataStand(t)
			if bought != "" {
				s.set(map[string]string{lifeCyclePath: bought}, 0)
			}
			now := time.Duration(0)
			n := NewNotices(m, func() time.Duration { return now })
			for ; now < 10*time.Minute; now += 5 * time.Second {
				if _, err := n.Read(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if !maps.Equal(s.asked, want) || s.tokens != 1 {
				t.Errorf("asked %v with %d tokens, want %v with one", s.asked, s.tokens, want)
			}
		})
	}
}

func FuzzNotices(f *testing.F) {
	for _, seed := range []string{
		`{"action":"terminate","time":"2026-11-23T18:00:00Z"}`, `{"noticeTime":"2026-11-23T18:00:00Z"}`,
		`[{"NotBefore":"23 Nov 2026 18:00:00 GMT","Code":"system-reboot","EventId":"e","State":"active"}]`, "", "null", "[null]", "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var all []core.Notice
		one, err1 := parseInterruption(text)
		two, err2 := parseRebalance(text)
		many, err3 := parseScheduled(text)
		if err1 == nil {
			if !slices.Contains([]string{"terminate", "stop", "hibernate"}, one.Action) {
				t.Errorf("the action is %q", one.Action)
			}
			all = append(all, one)
		}
		if err2 == nil {
			all = append(all, two)
		}
		if err3 != nil && len(many) > 0 {
			t.Error("events with an error")
		}
		for _, n := range append(all, many...) {
			if strings.ContainsAny(n.Action+n.ID, "\n\r\x00\x1b") || len(n.ID) > 1000 {
				t.Errorf("%+q", n)
			}
		}
	})
}

// BenchmarkMetadata measures what reading metadata costs, a request to a
// service in the same process included. The agent makes about fifty a minute.
func BenchmarkMetadata(b *testing.B) {
	s, m := newMetadataStand(b)
	s.set(map[string]string{"tags/instance/Name": "x"}, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.read(b.Context(), "tags/instance/Name", maxTagAnswer); err != nil {
			b.Fatal(err)
		}
	}
}
