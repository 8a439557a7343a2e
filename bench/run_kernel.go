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
		t, err := c.measure(r.ctx, r.kernels, r.effort)
		if err := res.judge(err); err != nil {
			return err
		}
		res.Runs, res.Dispatch = t.runs, t.dispatches
		res.settle(t.samples, clockOf(r.dev), r.report.Roofs)
	}
	r.report.Results = append(r.report.Results, res)
	return r.ctx.Err()
}

// judge notes an error that belongs to the case and returns any other.
func (r *Result) judge(err error) error {
	var wrong *cases.MismatchError
	var differ *differError
	var gradient *gradientError
	switch {
	case err == nil:
	case errors.As(err, &wrong), errors.As(err, &differ), errors.As(err, &gradient), errors.Is(err, mamba.ErrNotFinite):
		r.Error = err.Error()
	case noRoom(err):
		r.Skipped = err.Error()
	default:
		return fmt.Errorf("%s: %w", r.Key(), err)
	}
	return nil
}

// measure checks a case and times it.
func (c *kernelCase) measure(ctx context.Context, kernels *shaders.Kernels, e effort) (timing, error) {
	buffers, err := c.prepare(kernels.Device())
	defer closeBuffers(buffers)
	if err != nil {
		return timing{}, err
	}
	return c.measureOn(ctx, kernels, buffers, e)
}

// prepare makes the case's arrays with what they start with, those that there were when it
// failed included.
func (c *kernelCase) prepare(dev *wgpu.Device) ([]*wgpu.Buffer, error) {
	buffers, err := c.allocate(dev)
	for i := range c.arrays {
		if err == nil && buffers[i] != nil {
			err = c.arrays[i].fill(buffers[i])
		}
	}
	return buffers, err
}

// allocate makes the case's arrays, zeroed, those that there were when it failed included.
func (c *kernelCase) allocate(dev *wgpu.Device) ([]*wgpu.Buffer, error) {
	buffers := make([]*wgpu.Buffer, len(c.arrays))
	for i := range c.arrays {
		a := &c.arrays[i]
		if a.len == 0 {
			continue
		}
		b, err := dev.NewBuffer(a.name, a.bytes())
		if err != nil {
			return buffers, err
		}
		buffers[i] = b
	}
	return buffers, nil
}

// restore makes what runs read and replace what it was before the first.
func (c *kernelCase) restore(buffers []*wgpu.Buffer) error {
	for i := range c.arrays {
		if a := &c.arrays[i]; a.out && a.lo != a.hi {
			if err := a.fill(buffers[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func closeBuffers(buffers []*wgpu.Buffer) {
	for _, b := range buffers {
		if b != nil {
			b.Close()
		}
	}
}

// measureOn checks a case on its arrays, which hold what they start with, and times
// it.
func (c *kernelCase) measureOn(ctx context.Context, kernels *shaders.Kernels, buffers []*wgpu.Buffer, e effort) (timing, error) {
	dev := kernels.Device()
	var run []*wgpu.Dispatch
	var scratch []*wgpu.Buffer
	defer func() {
		for _, d := range run {
			d.Close()
		}
		closeBuffers(scratch)
	}()
	for _, s := range c.steps {
		dispatches, err := s.dispatch(kernels, buffers, &scratch)
		if err != nil {
			return timing{}, err
		}
		run = append(run, dispatches...)
	}
	if err := runOnce(dev, run...); err != nil {
		return timing{}, err
	}
	if err := c.check(buffers); err != nil {
		return timing{}, err
	}
	t, err := timeRuns(ctx, dev, run, e)
	t.dispatches = len(run)
	return t, err
}

// check compares a sample of what the first run left with the twins' result.
func (c *kernelCase) check(buffers []*wgpu.Buffer) error {
	e, err := c.expect()
	if err != nil {
		return err
	}
	return e.compare(buffers)
}

// expectation is what a sample of a case's arrays should be after the first run.
type expectation struct {
	c      *kernelCase
	views  []view
	params any
	want   []cases.Arg
}

// expect has the twins compute the sample.
func (c *kernelCase) expect() (*expectation, error) {
	views, steps := c.sample()
	e := &expectation{c, views, steps[0].params, make([]cases.Arg, len(views))}
	for i, v := range views {
		e.want[i] = v.start(&c.arrays[i])
	}
	for _, s := range steps {
		if err := s.runTwin(e.want); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// compare compares it with what is in the arrays. Errors: [cases.MismatchError], those of
// the device.
func (e *expectation) compare(buffers []*wgpu.Buffer) error {
	got := make([]cases.Arg, len(e.views))
	for i, v := range e.views {
		a := &e.c.arrays[i]
		if !a.out {
			continue
		}
		var err error
		if got[i], err = v.read(a, buffers[i]); err != nil {
			return err
		}
	}
	return cases.Compare(cases.Case{Kernel: e.c.name, Name: e.c.shape, Params: e.params, Tol: e.c.tolerance()}, got, e.want)
}
