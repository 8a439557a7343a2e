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
	dev, owned, err := o.device()
	switch {
	case err != nil:
		return nil, err
	case dev == nil:
		return start(&goMachine{}, c, values, o)
	}
	return start(o.gpuMachine(dev, owned), c, values, o)
}

// device is the device that the options choose, nil for plain Go, and whether it is to be
// closed with what uses it.
func (o *Options) device() (dev *wgpu.Device, owned bool, err error) {
	if o.Device != nil {
		return o.Device, false, nil
	}
	name := o.Adapter
	if name == "" {
		name = os.Getenv("MAMBAGPU_ADAPTER")
	}
	if name == mamba.GoAdapter {
		return nil, false, nil
	}
	dev, err = wgpu.Open(&wgpu.Options{Adapter: name, MemoryBudget: o.MemoryBudget, Notices: o.Notices})
	if errors.Is(err, wgpu.ErrNoAdapter) && name == "" {
		fmt.Fprintln(o.notices(), "mambagpu: no WebGPU adapter found, training in plain Go (mambagpu devices says what to install)")
		return nil, false, nil
	}
	return dev, true, err
}

// gpuMachine makes a machine of a device. Its kernels are tuned by what o.Tuning is then.
func (o *Options) gpuMachine(dev *wgpu.Device, owned bool) *gpuMachine {
	m := newGPUMachine(dev, owned)
	o.Tuning = mamba.ChooseTuning(o.Tuning, dev.Info(), o.Notices)
	m.kernels.Tune(o.Tuning)
	return m
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
