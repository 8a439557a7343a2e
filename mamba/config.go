package mamba

import "fmt"

// Config is the shape of the input-modulated layer that [NewLayer] makes.
type Config struct {
	// DModel is d, the width of the input and of the output. The zero value
	// means 512.
	DModel int
	// DState is N, the complex states of a channel, 1 to 256. The zero value
	// means 16.
	DState int
	// DConv is K, the taps of the causal convolution, 2 to 8. The zero value
	// means 4.
	DConv int
	// Expand is E/d, the channels inside the layer for each one outside. The
	// zero value means 2.
	Expand int
	// Norm is the normalisation of what goes into in_proj; the residual stays
	// as it is. The zero value means none.
	Norm Norm
	// NormEps is added to the variance or the mean square that Norm divides
	// by. The zero value means 1e-5.
	NormEps float64
}

// BlockConfig is the shape of the Mamba-1 block that [NewBlock] makes.
type BlockConfig struct {
	// DModel is d, the width of the input and of the output. The zero value
	// means 512.
	DModel int
	// DState is N, the states of a channel, 1 to 256. The zero value means 16.
	DState int
	// DConv is K, the taps of the causal convolution, 2 to 8. The zero value
	// means 4.
	DConv int
	// Expand is E/d, the channels inside the block for each one outside. The
	// zero value means 2.
	Expand int
	// DTRank is R, the rank of the step size's projection. The zero value
	// means d/16, rounded up.
	DTRank int
	// Bias gives in_proj and out_proj a bias.
	Bias bool
	// NoConvBias takes the convolution's bias away.
	NoConvBias bool
	// Norm is the normalisation of what goes into in_proj. The zero value
	// means none.
	Norm Norm
	// NormEps is added to the variance or the mean square that Norm divides
	// by. The zero value means 1e-5.
	NormEps float64
	// Residual adds the input to the output. A language model's block has it
	// and NormRMS; neither gives the mixer alone, which is what others call a
	// Mamba block and time as such.
	Residual bool
}

// Norm is a kind of normalisation over the last axis.
type Norm uint8

// The normalisations.
const (
	NormNone  Norm = iota // none
	NormRMS               // by the root mean square (arXiv 1910.07467)
	NormLayer             // to mean 0 and variance 1 (arXiv 1607.06450)
)

// String is "none", "rms" or "layer".
func (n Norm) String() string {
	switch n {
	case NormNone:
		return "none"
	case NormRMS:
		return "rms"
	case NormLayer:
		return "layer"
	}
	return fmt.Sprintf("Norm(%d)", uint8(n))
}

// maxInner bounds d_model and d_inner: a square matrix of it has 2^32 elements.
const maxInner = 1 << 16

// DInner is E, the number of channels inside the layer.
func (c Config) DInner() int { return c.DModel * c.Expand }

// filled is the configuration with its defaults in place, or an *OptionError.
func (c Config) filled() (Config, error) {
	fill(&c.DModel, 512)
	fill(&c.DState, 16)
	fill(&c.DConv, 4)
	fill(&c.Expand, 2)
	fill(&c.NormEps, 1e-5)
	return c, checkSizes(c.DModel, c.DState, c.DConv, c.Expand, c.Norm, c.NormEps)
}

// DInner is E, the number of channels inside the block.
func (c BlockConfig) DInner() int { return c.DModel * c.Expand }

// filled is the configuration with its defaults in place, or an *OptionError.
func (c BlockConfig) filled() (BlockConfig, error) {
	fill(&c.DModel, 512)
	fill(&c.DState, 16)
	fill(&c.DConv, 4)
	fill(&c.Expand, 2)
	fill(&c.NormEps, 1e-5)
	if err := checkSizes(c.DModel, c.DState, c.DConv, c.Expand, c.Norm, c.NormEps); err != nil {
		return c, err
	}
	fill(&c.DTRank, (c.DModel+15)/16)
	return c, checkSize("DTRank", c.DTRank, 1, maxInner)
}

// fill replaces a zero value by its default.
func fill[T comparable](v *T, otherwise T) {
	if *v == *new(T) {
		*v = otherwise
	}
}

func checkSizes(d, n, k, expand int, norm Norm, eps float64) error {
	for _, s := range []struct {
		name      string
		v, lo, hi int
	}{
		{"DModel", d, 1, maxInner}, {"DState", n, 1, 256}, {"DConv", k, 2, 8}, {"Expand", expand, 1, maxInner},
	} {
		if err := checkSize(s.name, s.v, s.lo, s.hi); err != nil {
			return err
		}
	}
	if err := checkSize("DModel times Expand", d*expand, 1, maxInner); err != nil {
		return err
	}
	if norm > NormLayer {
		return &OptionError{"Norm", norm, "NormNone, NormRMS or NormLayer"}
	}
	if !(eps > 0 && eps < 1) {
		return &OptionError{"NormEps", eps, "between 0 and 1"}
	}
	return nil
}

func checkSize(name string, v, lo, hi int) error {
	if v < lo || v > hi {
		return &OptionError{name, v, fmt.Sprintf("%d to %d", lo, hi)}
	}
	return nil
}
