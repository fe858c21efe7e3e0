// Package logs is where spored's log goes: standard error, which journald
// keeps, and a file that it rotates itself. Both have every line, and neither
// can hold up the agent: a journal or a disk that hangs loses lines, which is
// said, but never delays a deadline.
package logs

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// queued is how many lines wait for a place that is slow, each.
const queued = 512

// maxLine is the length of the longest line that is kept, in bytes.
const maxLine = 16 << 10

// Place is somewhere that lines are written to.
type Place struct {
	Name string // for people: the file, standard error
	io.Writer
}

// Log is an io.Writer, for a slog.Handler, that never blocks and never fails.
type Log struct {
	branches []*branch
	running  sync.WaitGroup

	mu     sync.RWMutex // held for reading while a line is queued
	closed bool
}

// branch is a place with its queue. Its goroutine alone writes there.
type branch struct {
	Place
	lines chan []byte
	mu    sync.Mutex
	lost  int // lines that found the queue full
}

// New returns a log to some places. Close must be called.
func New(places ...Place) *Log {
	l := &Log{}
	for _, p := range places {
		l.branches = append(l.branches, &branch{Place: p, lines: make(chan []byte, queued)})
	}
	for _, b := range l.branches {
		l.running.Go(func() { l.write(b) })
	}
	return l
}

// Write queues a line for every place. What is too long is cut.
func (l *Log) Write(line []byte) (int, error) {
	kept := append([]byte(nil), line[:min(len(line), maxLine)]...)
	if len(line) > maxLine {
		kept = append(kept, " (cut)\n"...)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return len(line), nil
	}
	for _, b := range l.branches {
		b.queue(kept)
	}
	return len(line), nil
}

// Close writes what is queued, for as long as patience, and takes no more. A
// place that hangs for longer keeps its goroutine, which nothing can interrupt,
// until the program ends.
func (l *Log) Close(patience time.Duration) {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		for _, b := range l.branches {
			close(b.lines)
		}
	}
	l.mu.Unlock()
	done := make(chan struct{})
	go func() { l.running.Wait(); close(done) }()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// queue never blocks: a line that finds the queue full is counted instead.
func (b *branch) queue(line []byte) {
	select {
	case b.lines <- line:
	default:
		b.mu.Lock()
		b.lost++
		b.mu.Unlock()
	}
}

func (b *branch) takeLost() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	lost := b.lost
	b.lost = 0
	return lost
}

// write is the goroutine of a place. The first of a row of failures is told to
// the other places.
func (l *Log) write(b *branch) {
	failing := false
	for line := range b.lines {
		if lost := b.takeLost(); lost > 0 {
			line = append(record(slog.LevelWarn, fmt.Sprintf("%d lines were lost here: %s was too slow", lost, b.Name)), line...)
		}
		_, err := b.Write(line)
		if err != nil && !failing {
			l.tellOthers(b, record(slog.LevelWarn, fmt.Sprintf("the log cannot be written to %s: %v", b.Name, err)))
		}
		failing = err != nil
	}
}

func (l *Log) tellOthers(b *branch, line []byte) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return
	}
	for _, other := range l.branches {
		if other != b {
			other.queue(line)
		}
	}
}

// record is a line in the form of slog's text handler.
func record(level slog.Level, message string) []byte {
	return fmt.Appendf(nil, "time=%s level=%s msg=%q\n", time.Now().Format("2006-01-02T15:04:05.000Z07:00"), level, message)
}
