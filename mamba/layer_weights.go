package mamba

import (
	"io"
	"strconv"
)

// LayerWeights are the sizes and the parameters of a [Layer] in host memory, for those
// who change parameters: package train does.
type LayerWeights struct {
	Config  Config            // with the defaults in place
	Tensors map[string]Tensor // by the names that Layer lists
}

// DrawLayer draws the parameters of the layer that [NewLayer] makes. Errors:
// [*OptionError].
func DrawLayer(c Config, seed uint64) (LayerWeights, error) {
	c, err := c.filled()
	if err != nil {
		return LayerWeights{}, err
	}
	return LayerWeights{c, c.shapes().draw(seed, c.draw)}, nil
}

// ReadLayer reads the parameters of the layer that [LoadLayer] makes, with its errors.
func ReadLayer(path string) (LayerWeights, error) {
	f, err := openLayerFile(path, layerFormat)
	if err != nil {
		return LayerWeights{}, err
	}
	defer f.Close()
	c, err := readLayerConfig(f)
	if err != nil {
		return LayerWeights{}, err
	}
	p, err := f.read(c.shapes())
	if err == nil {
		err = p.checkExponents(path, "a_re")
	}
	return LayerWeights{c, p}, err
}

// Write writes them as [Layer.Save] does, for [LoadLayer].
func (w LayerWeights) Write(out io.Writer) error {
	return parameters(w.Tensors).write(out, w.metadata())
}

func (w LayerWeights) metadata() map[string]string {
	return map[string]string{formatKey: layerFormat, "norm_eps": strconv.FormatFloat(w.Config.NormEps, 'g', -1, 64)}
}
