package train

import (
	"errors"
	"fmt"
	"os"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/wgpu"
)

// openLayer makes the engine of a layer that the options choose.
func openLayer(w mamba.LayerWeights, o *Options) (layerRunner, error) {
	if o.Device != nil {
		return startLayer(newGPUMachine(o.Device, false), w, o)
	}
	name := o.Adapter
	if name == "" {
		name = os.Getenv("MAMBAGPU_ADAPTER")
	}
	if name == mamba.GoAdapter {
		return startLayer(&goMachine{}, w, o)
	}
	dev, err := wgpu.Open(&wgpu.Options{Adapter: name, MemoryBudget: o.MemoryBudget, Notices: o.Notices})
	if errors.Is(err, wgpu.ErrNoAdapter) && name == "" {
		fmt.Fprintln(o.notices(), "mambagpu: no WebGPU adapter found, training in plain Go (mambagpu devices says what to install)")
		return startLayer(&goMachine{}, w, o)
	}
	if err != nil {
		return nil, err
	}
	return startLayer(newGPUMachine(dev, true), w, o)
}

// startLayer makes the engine of a machine, which is closed if that fails.
func startLayer[A any](m machine[A], w mamba.LayerWeights, o *Options) (layerRunner, error) {
	e, err := newLayerEngine(m, w, o)
	if err != nil {
		m.close()
		return nil, err
	}
	return e, nil
}
