package train

import (
	"context"
	"slices"
	"time"
)

// KernelTime is the GPU's time for the runs of one kernel.
type KernelTime struct {
	Kernel string
	Shape  string // of a product MxNxK; "" of others
	Runs   int
	Time   time.Duration
}

// StepTimed is [Trainer.Step] that also tells the time of each kernel, and of matmul
// at each shape, the longest first. Each run is timed by itself, which adds the cost of
// starting it, about 10 us, that it shares with others otherwise. Errors are those of
// Step and [wgpu.ErrNoTimestamps].
func (t *Trainer) StepTimed(ctx context.Context, lr float64, batches ...Batch) (Result, []KernelTime, error) {
	if err := t.setTimed(); err != nil {
		return Result{}, nil, err
	}
	r, err := t.Step(ctx, lr, batches...)
	t.mu.Lock()
	defer t.mu.Unlock()
	return r, gathered(t.run.timings()), err
}

func (t *Trainer) setTimed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	return t.run.timed()
}

// gathered adds up the times of the same kernel and shape.
func gathered(runs []KernelTime) []KernelTime {
	var list []KernelTime
	for _, r := range runs {
		i := slices.IndexFunc(list, func(k KernelTime) bool { return k.Kernel == r.Kernel && k.Shape == r.Shape })
		if i < 0 {
			list = append(list, r)
			continue
		}
		list[i].Runs += r.Runs
		list[i].Time += r.Time
	}
	slices.SortStableFunc(list, func(a, b KernelTime) int { return int(b.Time - a.Time) })
	return list
}
