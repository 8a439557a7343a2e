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
}

// efforts by quickness and kind of device. A GPU's longest run is bounded by
// the system, which resets a GPU that one submission keeps busy for seconds.
func (o *Options) effort(kind wgpu.Kind) effort {
	switch cpu := kind == wgpu.CPU; {
	case cpu && o.Quick:
		return effort{samples: 10, least: 3, budget: 300 * time.Millisecond, longest: 12 * time.Millisecond}
	case cpu:
		return effort{samples: 20, least: 5, budget: 2 * time.Second, longest: 500 * time.Millisecond}
	case o.Quick:
		return effort{samples: 20, least: 5, budget: 200 * time.Millisecond, longest: 200 * time.Millisecond}
	}
	return effort{samples: 100, least: 10, budget: time.Second, longest: time.Second}
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
	clockGPU  = "gpu"  // timestamps on the GPU
	clockWall = "wall" // from the submission until the host knows that it is done
)

func clockOf(dev *wgpu.Device) string {
	if dev.Timestamps() {
		return clockGPU
	}
	return clockWall
}

// batchTime is how long one submission should be busy: then what it costs the
// host is small beside it.
const batchTime = 2 * time.Millisecond

// most is the largest number of runs in one submission.
const most = 64

// timeRuns samples the time of one run: the given dispatches in order. The
// first submissions warm up.
func timeRuns(ctx context.Context, dev *wgpu.Device, run []*wgpu.Dispatch, e effort) ([]float64, error) {
	pass := dev.NewPass("bench")
	pass.Dispatch(run...)
	first, err := submit(dev, pass, 1)
	if err != nil {
		return nil, err
	}
	n := min(max(int(batchTime.Seconds()*1e6/max(first[0], 1)), 1), most, e.samples)
	for range n - 1 {
		pass.Dispatch(run...)
	}
	if n > 1 {
		if _, err := submit(dev, pass, n); err != nil {
			return nil, err
		}
	}
	return e.sampling(ctx, nil, func() ([]float64, error) { return submit(dev, pass, n) })
}

// submit runs a pass of n runs and returns the time of each in microseconds;
// by wall time, one sample for all of them.
func submit(dev *wgpu.Device, pass *wgpu.Pass, n int) ([]float64, error) {
	if !dev.Timestamps() {
		start := time.Now()
		if err := pass.Submit(); err != nil {
			return nil, err
		}
		if err := dev.Wait(); err != nil {
			return nil, err
		}
		return []float64{microseconds(time.Since(start)) / float64(n)}, nil
	}
	timings, err := pass.SubmitTimed()
	if err != nil {
		return nil, err
	}
	each := len(timings) / n
	samples := make([]float64, n)
	for i, t := range timings {
		samples[i/each] += microseconds(t.Time)
	}
	return samples, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
