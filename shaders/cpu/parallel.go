package cpu

import (
	"runtime"
	"sync"
)

// grain is the least work, in units of about a nanosecond, that is worth a
// goroutine: starting one and waiting for it costs 1 to 2 microseconds.
const grain = 20_000

// parallel calls body on ranges [lo, hi) that cover [0, n) without overlap and
// returns when all are done. Each of the n items takes about cost nanoseconds;
// work too small to share runs in the caller's goroutine.
func parallel(n, cost int, body func(lo, hi int)) {
	if n <= 0 {
		return
	}
	workers := min(n, runtime.GOMAXPROCS(0), n*max(cost, 1)/grain)
	if workers <= 1 {
		body(0, n)
		return
	}
	var wait sync.WaitGroup
	for i := 1; i < workers; i++ {
		wait.Go(func() { body(i*n/workers, (i+1)*n/workers) })
	}
	body(0, n/workers)
	wait.Wait()
}

// parallelChannels calls body for blocks of channels of single batch rows that
// cover all (batch row, channel) pairs. A pair takes about cost nanoseconds.
func parallelChannels(batch, channels, cost int, body func(b, lo, hi int)) {
	// Channels lie next to each other in memory: a block of 16 float32 is a
	// cache line, so two goroutines seldom write to the same one.
	const block = 16
	blocks := (channels + block - 1) / block
	parallel(batch*blocks, cost*block, func(first, last int) {
		for i := first; i < last; i++ {
			lo := i % blocks * block
			body(i/blocks, lo, min(lo+block, channels))
		}
	})
}
