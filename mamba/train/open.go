package train

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/wgpu"
)

// open makes the engine that the options choose.
func open(c mamba.ModelConfig, values func(name string) ([]float32, error), o *Options) (runner, error) {
	if o.Device != nil {
		return start(newGPUMachine(o.Device, false), c, values, o)
	}
	name := o.Adapter
	if name == "" {
		name = os.Getenv("MAMBAGPU_ADAPTER")
	}
	if name == mamba.GoAdapter {
		return start(&goMachine{}, c, values, o)
	}
	dev, err := wgpu.Open(&wgpu.Options{Adapter: name, MemoryBudget: o.MemoryBudget, Notices: o.Notices})
	if errors.Is(err, wgpu.ErrNoAdapter) && name == "" {
		fmt.Fprintln(o.notices(), "mambagpu: no WebGPU adapter found, training in plain Go (mambagpu devices says what to install)")
		return start(&goMachine{}, c, values, o)
	}
	if err != nil {
		return nil, err
	}
	return start(newGPUMachine(dev, true), c, values, o)
}

func (o *Options) notices() io.Writer {
	if o.Notices == nil {
		return os.Stderr
	}
	return o.Notices
}

// start makes the engine of a machine, which is closed if that fails.
func start[A any](m machine[A], c mamba.ModelConfig, values func(name string) ([]float32, error), o *Options) (runner, error) {
	e, err := newEngine(m, c, values, o)
	if err != nil {
		m.close()
		return nil, err
	}
	return e, nil
}
