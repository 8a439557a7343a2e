package bench

import (
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// deviceTrial is the variants of a case on a device. They share the arrays.
type deviceTrial struct {
	c       *kernelCase
	kernels *shaders.Kernels
	buffers []*wgpu.Buffer
	scratch []*wgpu.Buffer
	want    *expectation
	opened  []*wgpu.Dispatch
}

// newTrial makes the case's arrays.
func newTrial(c *kernelCase, kernels *shaders.Kernels) (*trial, error) {
	t := &deviceTrial{c: c, kernels: kernels}
	var err error
	if t.buffers, err = c.prepare(kernels.Device()); err == nil {
		t.want, err = c.expect()
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return &trial{add: t.add, close: t.close}, nil
}

// add compiles a variant, runs it once and checks the result. Errors: those of making
// dispatches, [cases.MismatchError].
func (t *deviceTrial) add(variant string) (func(n int) (float64, error), error) {
	if err := t.reset(); err != nil {
		return nil, err
	}
	s := t.c.steps[0]
	t.kernels.Tune(shaders.Tuning{tuningKey(s): variant})
	run, err := s.dispatch(t.kernels, t.buffers, &t.scratch)
	if err != nil {
		return nil, err
	}
	t.opened = append(t.opened, run...)
	dev := t.kernels.Device()
	if err := runOnce(dev, run...); err != nil {
		return nil, err
	}
	if err := t.want.compare(t.buffers); err != nil {
		return nil, err
	}
	pass := dev.NewPass("bench.tune")
	return func(n int) (float64, error) {
		if pass.Dispatches() != n*len(run) {
			pass.Reset()
			for range n {
				pass.Dispatch(run...)
			}
		}
		return submit(dev, pass, n)
	}, nil
}

// reset makes the arrays that runs write what they were before the first, so that no
// variant is judged by what the one before left.
func (t *deviceTrial) reset() error {
	pass := t.kernels.Device().NewPass("bench.reset")
	for i := range t.c.arrays {
		if a := &t.c.arrays[i]; a.out && a.lo == a.hi {
			pass.Clear(t.buffers[i], 0, a.bytes())
		}
	}
	if err := pass.Submit(); err != nil {
		return err
	}
	return t.c.restore(t.buffers)
}

func (t *deviceTrial) close() {
	for _, d := range t.opened {
		d.Close()
	}
	closeBuffers(t.scratch)
	closeBuffers(t.buffers)
}
