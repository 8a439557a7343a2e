package mamba

import "time"

// pace chooses how many tokens of each row go into a submission: one at first, so
// that the first token comes at once, then up to twice as many each time as long as
// that takes no longer than submissionTime, so that the host's part is little of it
// and text still flows.
type pace struct {
	steps int           // of the last submission
	step  time.Duration // that one lately took, 0 if not known
	last  time.Time     // when tokens came last
}

// submissionTime is how long one submission may take.
const submissionTime = 25 * time.Millisecond

// next is the number of steps to submit, of at most left.
func (p *pace) next(left int) int {
	n := 2 * p.steps
	if p.step > 0 {
		n = min(n, int(submissionTime/p.step))
	} else {
		n = min(n, 2)
	}
	p.steps = max(min(n, ring), 1)
	return min(p.steps, left)
}

// came notes that the tokens of a submission of so many steps have come.
func (p *pace) came(steps int, now time.Time) {
	if !p.last.IsZero() {
		p.step = max(now.Sub(p.last)/time.Duration(steps), time.Microsecond)
	}
	p.last = now
}
