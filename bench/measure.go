package bench

import (
	"context"
	"time"

	"github.com/mambagpu/mambagpu/wgpu"
)

// effort is how much time measurements may take.
type effort struct {
	samples int           // enough of them
	least   int           // taken even when the time is up
	budget  time.Duration // of one case
	longest time.Duration // cases whose runs take longer at the roofs are left out
	warm    time.Duration // of work before the first sample, for a GPU to raise its clock

	steps int // of decoding that a run has at least
}

// efforts by quickness and kind of device. A GPU's longest run is bounded by
// the system, which resets a GPU that one submission keeps busy for seconds.
func (o *Options) effort(kind wgpu.Kind) effort {
	switch cpu := kind == wgpu.CPU; {
	case cpu && o.Quick:
		return effort{samples: 10, least: 3, budget: 300 * time.Millisecond, longest: 12 * time.Millisecond, steps: 2}
	case cpu:
		return effort{samples: 20, least: 5, budget: 2 * time.Second, longest: 500 * time.Millisecond, steps: 4}
	case o.Quick:
		return effort{samples: 20, least: 5, budget: 200 * time.Millisecond, longest: 200 * time.Millisecond, warm: 200 * time.Millisecond, steps: 16}
	}
	return effort{samples: 50, least: 10, budget: 300 * time.Millisecond, longest: time.Second, warm: 250 * time.Millisecond, steps: 16}
}

// sampling repeats once until there are enough samples, in microseconds, those
// there are already included.
func (e effort) sampling(ctx context.Context, all []float64, once func() ([]float64, error)) ([]float64, error) {
	for start := time.Now(); len(all) < e.least || len(all) < e.samples && time.Since(start) < e.budget; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some, err := once()
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// The clocks that samples are taken by.
const (
	clockGPU  = "gpu"  // timestamps on the GPU, before and after some runs in one compute pass
	clockWall = "wall" // from the submission until the host knows that it is done
)

func clockOf(dev *wgpu.Device) string {
	if dev.Timestamps() {
		return clockGPU
	}
	return clockWall
}

// batchTime is how long the runs of one sample should take together: then what
// starting a compute pass costs, about 10 us on an H100, and what a submission
// costs the host, is small beside it.
const batchTime = time.Millisecond

// most is the largest number of runs in one sample.
const most = 64

// timing is the samples of a case.
type timing struct {
	samples []float64 // microseconds of one run
	runs    int       // that each sample is the mean of

	dispatches int // of a run
}

// timeRuns samples the time of one run: the given dispatches in order. Runs follow
// one another in a compute pass, each waiting for the one before as the kernels of
// a model do, as many as take batchTime. The first submissions warm up: an H100 that
// had been idle took 2.6 ms for a scan that takes 1.6 after a quarter of a second.
func timeRuns(ctx context.Context, dev *wgpu.Device, run []*wgpu.Dispatch, e effort) (timing, error) {
	pass := dev.NewPass("bench")
	pass.Dispatch(run...)
	first, err := submit(dev, pass, 1)
	if err != nil {
		return timing{}, err
	}
	n := min(max(int(microseconds(batchTime)/max(first, 1)), 1), most)
	for range n - 1 {
		pass.Dispatch(run...)
	}
	for start := time.Now(); ; {
		if _, err := submit(dev, pass, n); err != nil {
			return timing{}, err
		}
		if time.Since(start) >= e.warm || ctx.Err() != nil {
			break
		}
	}
	samples, err := e.sampling(ctx, nil, func() ([]float64, error) {
		us, err := submit(dev, pass, n)
		return []float64{us}, err
	})
	return timing{samples: samples, runs: n}, err
}

// submit runs a pass of n runs and returns the mean time of one in microseconds.
func submit(dev *wgpu.Device, pass *wgpu.Pass, n int) (float64, error) {
	if dev.Timestamps() {
		total, err := pass.SubmitTotal()
		return microseconds(total) / float64(n), err
	}
	start := time.Now()
	if err := pass.Submit(); err != nil {
		return 0, err
	}
	err := dev.Wait()
	return microseconds(time.Since(start)) / float64(n), err
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
