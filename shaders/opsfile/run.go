package opsfile

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// arg is one argument of a kernel: floats or integers, none if it is switched
// off.
type arg struct {
	name string
	f32  []float32
	u32  []uint32
	out  bool // read back
}

// RunTwin computes the case with the kernels' twins in plain Go.
func (c *Case) RunTwin() ([]Output, error) {
	return c.run(func(op operation, args []arg) error {
		op.twin(args)
		return nil
	})
}

// RunGPU computes the case with the kernels on a device.
func (c *Case) RunGPU(k *shaders.Kernels) ([]Output, error) {
	return c.run(func(op operation, args []arg) error {
		if err := runGPU(k, c.Name, op, args); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		return nil
	})
}

// run collects what compute leaves in the arguments of each pass.
func (c *Case) run(compute func(op operation, args []arg) error) ([]Output, error) {
	var all []Output
	for _, op := range c.runs {
		args, err := op.args()
		if err != nil {
			return nil, err
		}
		if err := compute(op, args); err != nil {
			return nil, err
		}
		outputs, err := op.outputs(args)
		if err != nil {
			return nil, err
		}
		for _, out := range outputs {
			out.Kernel = op.kernel()
			all = append(all, out)
		}
	}
	return all, nil
}

// runGPU uploads the arguments, runs the kernel and reads its outputs back
// into them.
func runGPU(k *shaders.Kernels, name string, op operation, args []arg) error {
	var buffers []*wgpu.Buffer
	defer func() {
		for _, b := range buffers {
			if b != nil {
				b.Close()
			}
		}
	}()
	if words := op.scratch(k); words > 0 {
		args = append(args, arg{name: "scratch", f32: nans(words)})
	}
	for _, a := range args {
		b, err := a.upload(k.Device())
		if err != nil {
			return err
		}
		buffers = append(buffers, b)
	}
	run, err := op.dispatch(k, buffers)
	if err != nil {
		return err
	}
	pass := k.Device().NewPass(name)
	defer pass.Close()
	pass.Dispatch(run...)
	if err := pass.Submit(); err != nil {
		return err
	}
	for i, a := range args {
		if !a.out || len(a.f32) == 0 {
			continue
		}
		if err := wgpu.Download(buffers[i], 0, a.f32); err != nil {
			return err
		}
	}
	return nil
}

// single is a pass of one dispatch.
func single(d *wgpu.Dispatch, err error) ([]*wgpu.Dispatch, error) {
	return []*wgpu.Dispatch{d}, err
}

// upload makes a buffer of the argument; nil if it is switched off.
func (a arg) upload(d *wgpu.Device) (*wgpu.Buffer, error) {
	if len(a.f32)+len(a.u32) == 0 {
		return nil, nil
	}
	b, err := d.NewBuffer(a.name, 4*uint64(len(a.f32)+len(a.u32)))
	if err != nil {
		return nil, err
	}
	if a.u32 != nil {
		err = wgpu.Upload(b, 0, a.u32)
	} else {
		err = wgpu.Upload(b, 0, a.f32)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}
