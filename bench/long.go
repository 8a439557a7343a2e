package bench

import (
	"fmt"
	"io"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"

	referencelm "github.com/mambagpu/mambagpu/testdata/reference-lm"
)

// longName is the prefill of long inputs by the reference model: time and memory
// against length.
const longName = "long"

// longModel is the name of the reference model.
const longModel = "reference-lm"

// lengths of long inputs are powers of two from 2^shortest to 2^longest.
const (
	shortestLog = 10
	longestLog  = 20
)

// longCount is the number of long inputs that are wanted.
func (r *runner) longCount() int {
	switch {
	case !r.opts.wants(longName) || r.opts.Model != "" && len(r.opts.Only) == 0:
		return 0
	case r.opts.Quick && r.report.Kind == wgpu.CPU:
		return 3
	case r.opts.Quick:
		return 7
	}
	return longestLog - shortestLog + 1
}

// long times the prefill of longer and longer inputs on one model. What takes too
// long on the device is left out: the time of one length tells that of the next.
func (r *runner) long() error {
	n := r.longCount()
	if n == 0 {
		return nil
	}
	opts := &mamba.Options{Device: r.dev, Tuning: r.tuning, Notices: io.Discard}
	if r.dev == nil {
		opts.Adapter = mamba.GoAdapter
	}
	m, err := mamba.LoadFS(referencelm.FS, ".", opts)
	if err != nil {
		return fmt.Errorf("%s: %w", longName, err)
	}
	defer m.Close()
	spec := modelSpec{name: longModel, weights: shaders.F16, config: m.Config(), bytes: 2 * float64(m.Config().Parameters())}
	e, last := r.longEffort(), 0.0
	for i := range n {
		c := modelCase{name: longName, batch: 1, length: 1 << (shortestLog + i)}
		res := Result{Name: longName, Shape: c.shape(spec.name), Model: spec.name, Weights: spec.weights.String(), Batch: 1, Tokens: c.length}
		res.Bytes, res.Flops = c.work(&spec)
		r.progress(res.Key())
		if res.Skipped = e.tooLong(2 * last); res.Skipped == "" {
			t, err := c.time(r.ctx, m, e)
			if err := res.judge(err); err != nil {
				return err
			}
			res.settle(t.samples, clockWall, r.report.Roofs)
			t.settle(&res)
			last = res.Median
		} else {
			last *= 2
		}
		r.report.Results = append(r.report.Results, res)
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// longEffort takes few samples, and on a slow device none of what takes minutes.
func (r *runner) longEffort() effort {
	e := effort{samples: 5, least: 2, budget: time.Second, longest: 2 * time.Minute}
	if r.report.Kind == wgpu.CPU {
		e.least = 1
		if r.opts.Quick {
			e.longest = 10 * time.Second
		}
	}
	return e
}
