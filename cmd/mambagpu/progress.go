package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// When progress is shown: never for short steps.
const (
	barAfter   = 300 * time.Millisecond // on a terminal
	linesAfter = 2 * time.Second        // elsewhere
	linesEvery = 5 * time.Second
)

// unit is what a step counts in.
type unit string

const (
	unitBytes    unit = "bytes"
	unitTokens   unit = "tokens"
	unitCases    unit = "cases"
	unitVariants unit = "variants"
)

// part says how much is done, such as "3 of 8 cases".
func (u unit) part(done, total int64) string {
	if u == unitBytes {
		return formatBytes(uint64(max(done, 0))) + " of " + formatBytes(uint64(max(total, 0)))
	}
	return formatCount(done) + " of " + formatCount(total) + " " + string(u)
}

// progress shows how far a long step is: a bar on a terminal, lines elsewhere.
type progress struct {
	mu     sync.Mutex
	w      io.Writer
	tty    bool
	label  string
	unit   unit
	now    func() time.Time
	start  time.Time
	last   time.Time // of the last line
	bar    *progressbar.ProgressBar
	closed bool
}

func (a *app) newProgress(label string, u unit) *progress {
	return &progress{w: a.stderr, tty: isTerminal(a.stderr), label: label, unit: u, now: time.Now, start: time.Now()}
}

// update says that done of total are done. It may be called from any goroutine.
func (p *progress) update(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	now := p.now()
	if p.tty {
		p.draw(now, done, total)
	} else {
		p.print(now, done, total)
	}
}

// line prints a line of its own, above the bar where there is one.
func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.bar != nil {
		p.bar.Clear()
	}
	fmt.Fprintln(p.w, text)
	p.last = p.now()
}

// close takes the bar away.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && !p.closed {
		p.bar.Clear()
	}
	p.closed = true
}

func (p *progress) draw(now time.Time, done, total int64) {
	if p.bar == nil {
		if done >= total || now.Sub(p.start) < barAfter {
			return
		}
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(p.label),
			progressbar.OptionShowBytes(p.unit == unitBytes),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(p.unit != unitSteps), // whose label tells it: a run may not begin with the first one
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(60*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	p.bar.Set64(done)
}

func (p *progress) print(now time.Time, done, total int64) {
	if done >= total || now.Sub(p.start) < linesAfter || now.Sub(p.last) < linesEvery {
		return
	}
	p.last = now
	fmt.Fprintf(p.w, "%s: %s\n", p.label, p.unit.part(done, total))
}
