package train

import "github.com/mambagpu/mambagpu/mamba"

// openLayer makes the engine of a layer that the options choose.
func openLayer(w mamba.LayerWeights, o *Options) (layerRunner, error) {
	dev, owned, err := o.device()
	switch {
	case err != nil:
		return nil, err
	case dev == nil:
		return startLayer(&goMachine{}, w, o)
	}
	return startLayer(o.gpuMachine(dev, owned), w, o)
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
