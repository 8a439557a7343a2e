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

// RunTwin computes the case with the kernel's twin in plain Go.
func (c *Case) RunTwin() ([]Output, error) {
	args, err := c.op.args()
	if err != nil {
		return nil, err
	}
	c.op.twin(args)
	return c.op.outputs(args)
}

// RunGPU computes the case with the kernel on a device.
func (c *Case) RunGPU(k *shaders.Kernels) ([]Output, error) {
	args, err := c.op.args()
	if err != nil {
		return nil, err
	}
	if err := c.runGPU(k, args); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return c.op.outputs(args)
}

// runGPU uploads the arguments, runs the kernel and reads its outputs back
// into them.
func (c *Case) runGPU(k *shaders.Kernels, args []arg) error {
	buffers := make([]*wgpu.Buffer, len(args))
	defer func() {
		for _, b := range buffers {
			if b != nil {
				b.Close()
			}
		}
	}()
	for i, a := range args {
		var err error
		if buffers[i], err = a.upload(k.Device()); err != nil {
			return err
		}
	}
	run, err := c.op.dispatch(k, buffers)
	if err != nil {
		return err
	}
	pass := k.Device().NewPass(c.Name)
	defer pass.Close()
	pass.Dispatch(run)
	if err := pass.Submit(); err != nil {
		return err
	}
	for i, a := range args {
		if !a.out {
			continue
		}
		if err := wgpu.Download(buffers[i], 0, a.f32); err != nil {
			return err
		}
	}
	return nil
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
