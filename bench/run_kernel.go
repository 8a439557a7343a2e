package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// kernel measures one case and adds its result.
func (r *runner) kernel(c *kernelCase) error {
	res := Result{Name: c.name, Shape: c.shape, Bytes: c.bytes, Flops: c.flops, Dispatch: len(c.steps)}
	r.progress(res.Key())
	if r.dev == nil {
		res.Skipped = noDevice
	} else if res.Skipped = c.unfit(r.dev.Limits()); res.Skipped == "" {
		least, _ := r.report.Roofs.Least(c.bytes, c.flops)
		res.Skipped = r.effort.tooLong(least)
	}
	if res.Skipped == "" {
		samples, err := c.measure(r.ctx, r.dev, r.effort)
		if err := res.judge(err); err != nil {
			return err
		}
		res.settle(samples, clockOf(r.dev), r.report.Roofs)
	}
	r.report.Results = append(r.report.Results, res)
	return r.ctx.Err()
}

// judge notes an error that belongs to the case and returns any other.
func (r *Result) judge(err error) error {
	var wrong *cases.MismatchError
	var differ *differError
	switch {
	case err == nil:
	case errors.As(err, &wrong), errors.As(err, &differ), errors.Is(err, mamba.ErrNotFinite):
		r.Error = err.Error()
	case noRoom(err):
		r.Skipped = err.Error()
	default:
		return fmt.Errorf("%s: %w", r.Key(), err)
	}
	return nil
}

// measure checks a case and times it.
func (c *kernelCase) measure(ctx context.Context, dev *wgpu.Device, e effort) ([]float64, error) {
	buffers := make([]*wgpu.Buffer, len(c.arrays))
	defer func() {
		for _, b := range buffers {
			if b != nil {
				b.Close()
			}
		}
	}()
	for i := range c.arrays {
		a := &c.arrays[i]
		if a.len == 0 {
			continue
		}
		b, err := dev.NewBuffer(a.name, a.bytes())
		if err != nil {
			return nil, err
		}
		buffers[i] = b
		if err := a.fill(b); err != nil {
			return nil, err
		}
	}
	kernels := shaders.New(dev)
	var run []*wgpu.Dispatch
	defer func() {
		for _, d := range run {
			d.Close()
		}
	}()
	for _, s := range c.steps {
		d, err := s.dispatch(kernels, buffers)
		if err != nil {
			return nil, err
		}
		run = append(run, d...)
	}
	if err := runOnce(dev, run...); err != nil {
		return nil, err
	}
	if err := c.check(buffers); err != nil {
		return nil, err
	}
	return timeRuns(ctx, dev, run, e)
}

// check compares a sample of what the first run left with the twins' result.
func (c *kernelCase) check(buffers []*wgpu.Buffer) error {
	views, steps := c.sample()
	want := make([]cases.Arg, len(views))
	got := make([]cases.Arg, len(views))
	for i, v := range views {
		a := &c.arrays[i]
		want[i] = v.start(a)
		if !a.out {
			continue
		}
		var err error
		if got[i], err = v.read(a, buffers[i]); err != nil {
			return err
		}
	}
	for _, s := range steps {
		if err := s.runTwin(want); err != nil {
			return err
		}
	}
	return cases.Compare(cases.Case{Kernel: c.name, Name: c.shape, Params: steps[0].params, Tol: c.tolerance()}, got, want)
}
