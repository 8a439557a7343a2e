package wgpu

import (
	"runtime"
	"time"
)

// backoff paces the polling of a device. The libraries' own waits are not used:
// after five seconds wgpu-native 0.17's takes the work for done, and frees what
// the GPU still uses.
type backoff struct{ start time.Time }

// spinTime is how long a wait for a GPU polls without sleeping. A step of
// decoding is shorter, and a sleep would be a good part of it.
const spinTime = 5 * time.Millisecond

// next returns when it is time to look again: at once, letting other
// goroutines run, for the time of spin, and after sleeps that grow with the
// time waited.
func (b *backoff) next(spin time.Duration, sleep func(time.Duration)) {
	if b.start.IsZero() {
		b.start = time.Now()
	}
	waited := time.Since(b.start)
	if waited < spin {
		runtime.Gosched()
		return
	}
	sleep(min(max(waited/32, 20*time.Microsecond), 2*time.Millisecond))
}
