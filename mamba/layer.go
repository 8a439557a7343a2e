package mamba

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/mambagpu/mambagpu/wgpu"
)

// Layer is a residual layer whose state space is modulated by its input. It
// maps x (B, L, d) to the same shape; with E = Expand d, N = DState, A complex
// and diagonal, and for each token:
//
//	u   = causal_conv1d(W_in x + b_in)             (E)     no activation
//	s   = W_s u + b_s                              (1+N+2E)
//	delta, a = softplus(s[0]), sigmoid(s[1:1+N])   (1), (N)
//	b, c     = s[1+N:1+N+E], s[1+N+E:]             (E), (E)
//	Abar, phi = exp(delta A), (Abar - 1)/A         (N)     exact zero-order hold
//	h   = (a . Abar) . h + (phi . B + b) u         (E, N)  complex, from 0
//	y   = 2 Re sum_n (C + c) h + D u               (E)
//	out = x + W_out y + b_out                      (d)
//
// A is shared by the channels; b and c are the same for all N. With
// [Config.Norm] in_proj takes norm(x) instead of x.
//
// Parameters, by the names that files have, and how [NewLayer] draws them
// (fan_in and fan_out as PyTorch counts them):
//
//	in_proj.weight (E, d), s_proj.weight (1+N+2E, E), out_proj.weight (d, E)
//	                       N(0, 2/(fan_in+fan_out)): Xavier
//	in_proj.bias (E), s_proj.bias (1+N+2E), out_proj.bias (d)
//	                       N(0, 1e-12): deviation 1e-6
//	conv1d.weight (E,1,K)  N(0, 2/fan_out), fan_out = E K: Kaiming, for relu
//	conv1d.bias (E)        uniform +-1/sqrt(K)
//	a_re (N), a_im (N)     A = -exp(a_re) + i a_im starts as -1/2 + i pi n: S4D-Lin (arXiv 2206.11893)
//	B (E, N), C (E, N)     N(0, 1), N(0, 1/N)
//	D (E)                  1
//	norm.weight (d)        1, with NormRMS and NormLayer
//	norm.bias (d)          0, with NormLayer
//
// They are float32 on every device, and kept in host memory too, for Save.
//
// Inputs should be finite: WGSL promises nothing for NaN. The methods may be
// called from any goroutine and run one after the other. Close the layer when
// done.
type Layer struct {
	sequencer
	config Config
}

// layerFormat is what files of a Layer say that they hold.
const layerFormat = "modulated layer 1"

// NewLayer makes a layer with random parameters, the same for the same seed,
// on the device that opts choose as for [Load]; nil means their zero value.
// ChunkLength bounds the tokens of all sequences in a chunk; Tokenizer and
// Progress are not looked at. Errors: [*OptionError], those of package wgpu.
func NewLayer(c Config, seed uint64, opts *Options) (*Layer, error) {
	w, err := DrawLayer(c, seed)
	if err != nil {
		return nil, err
	}
	return makeLayer(w, opts)
}

// LoadLayer reads a layer from the safetensors file at path, as [Layer.Save]
// or other programs write it: tensors of the names and shapes that [Layer]
// lists and no others, in F32, F16 or BF16. They are float32 from then on.
// Sizes and Norm are those of the tensors. Errors: [*checkpoint.FormatError],
// [*checkpoint.UnsupportedError], those of the file system and of package
// wgpu.
func LoadLayer(path string, opts *Options) (*Layer, error) {
	w, err := ReadLayer(path)
	if err != nil {
		return nil, err
	}
	return makeLayer(w, opts)
}

func makeLayer(w LayerWeights, opts *Options) (*Layer, error) {
	l := &Layer{config: w.Config}
	l.width, l.in, l.out = w.Config.DModel, []int{layerX}, layerX
	l.params, l.metadata = w.Tensors, w.metadata()
	if err := l.start(layerParameters{w.Tensors, w.Config}, opts); err != nil {
		return nil, err
	}
	return l, nil
}

// shapes are the parameters' names and shapes.
func (c Config) shapes() shapes {
	d, e, n := c.DModel, c.DInner(), c.DState
	width := 1 + n + 2*e
	s := shapes{
		"in_proj.weight": {e, d}, "in_proj.bias": {e},
		"conv1d.weight": {e, 1, c.DConv}, "conv1d.bias": {e},
		"s_proj.weight": {width, e}, "s_proj.bias": {width},
		"a_re": {n}, "a_im": {n}, "B": {e, n}, "C": {e, n}, "D": {e},
		"out_proj.weight": {d, e}, "out_proj.bias": {d},
	}
	s.addNorm(c.Norm, d)
	return s
}

// addNorm adds the parameters of a normalisation.
func (s shapes) addNorm(n Norm, d int) {
	if n != NormNone {
		s["norm.weight"] = []int{d}
	}
	if n == NormLayer {
		s["norm.bias"] = []int{d}
	}
}

// draw sets a parameter's first values.
func (c Config) draw(rng *rand.Rand, name string, shape []int, v []float32) {
	switch name {
	case "conv1d.weight":
		gaussian(rng, v, math.Sqrt(2/float64(shape[0]*shape[2])))
	case "conv1d.bias":
		uniform(rng, v, 1/math.Sqrt(float64(c.DConv)))
	case "a_re":
		constant(v, float32(math.Log(0.5)))
	case "a_im":
		for i := range v {
			v[i] = float32(math.Pi * float64(i))
		}
	case "B":
		gaussian(rng, v, 1)
	case "C":
		gaussian(rng, v, 1/math.Sqrt(float64(c.DState)))
	case "D", "norm.weight":
		constant(v, 1)
	case "norm.bias":
		// zero
	default:
		if strings.HasSuffix(name, ".bias") {
			gaussian(rng, v, 1e-6)
			return
		}
		gaussian(rng, v, math.Sqrt(2/float64(shape[0]+shape[1])))
	}
}

// readLayerConfig finds the sizes in the shapes of a file's tensors.
func readLayerConfig(f *layerFile) (Config, error) {
	in, err := f.sizes("in_proj.weight", 2)
	if err != nil {
		return Config{}, err
	}
	conv, err := f.sizes("conv1d.weight", 3)
	if err != nil {
		return Config{}, err
	}
	a, err := f.sizes("a_re", 1)
	if err != nil {
		return Config{}, err
	}
	if in[0]%in[1] != 0 {
		return Config{}, f.error("in_proj.weight", fmt.Sprintf("shape %v", in), "a multiple of d_model rows")
	}
	c := Config{DModel: in[1], DState: a[0], DConv: conv[2], Expand: in[0] / in[1], Norm: f.norm()}
	if err := f.number("norm_eps", &c.NormEps); err != nil {
		return c, err
	}
	c, err = c.filled()
	return c, f.refused(err)
}

// Config is the layer's shape, with the defaults in place.
func (l *Layer) Config() Config { return l.config }

// Dynamics is what a layer makes out of its input for each token.
type Dynamics struct {
	Delta Tensor // (B, L) step size, positive
	AMod  Tensor // (B, L, N) scales Abar, 0 to 1
	BMod  Tensor // (B, L, E) adds to phi . B
	CMod  Tensor // (B, L, E) adds to C
}

// Discrete is the exact zero-order hold of A for each token.
type Discrete struct {
	Abar ComplexTensor // (B, L, N) exp(delta A)
	Phi  ComplexTensor // (B, L, N) (Abar - 1)/A; phi . B is the hold of B
}

// Conv1D is the first part of the layer: x (B, L, d_model) through in_proj and
// the causal convolution gives u (B, L, E). As in all parts, sequences begin
// with the first token, and errors are [*TensorError], [ErrClosed] and those
// of package wgpu. The parts one after the other are Forward:
//
//	u, err := layer.Conv1D(x)
//	dyn, err := layer.SProj(u)
//	disc, err := layer.Discretization(dyn.Delta)
//	y, err := layer.SelectiveScan(u, dyn, disc)
//	out, err := layer.OutProj(x, y)
func (l *Layer) Conv1D(x Tensor) (Tensor, error) {
	if err := x.shaped("x", axis{"B", 0}, axis{"L", 0}, axis{"d_model", l.config.DModel}); err != nil {
		return Tensor{}, err
	}
	return l.alone(partConv, x, layerU, l.config.DInner(), flow{layerX, l.config.DModel, x.Data})
}

// SProj is the second part: what u (B, L, E) makes of the step size, A, B and
// C. Softplus and sigmoid are applied.
func (l *Layer) SProj(u Tensor) (Dynamics, error) {
	e, n := l.config.DInner(), l.config.DState
	if err := u.shaped("u", axis{"B", 0}, axis{"L", 0}, axis{"d_inner", e}); err != nil {
		return Dynamics{}, err
	}
	s, err := l.alone(partSProj, u, layerS, l.config.sWidth(), flow{layerU, e, u.Data})
	if err != nil {
		return Dynamics{}, err
	}
	b, length := u.Shape[0], u.Shape[1]
	d := Dynamics{NewTensor(b, length), NewTensor(b, length, n), NewTensor(b, length, e), NewTensor(b, length, e)}
	for t := range b * length {
		row := s.Data[t*l.config.sWidth():]
		d.Delta.Data[t] = softplus(row[0])
		for i, v := range row[1 : 1+n] {
			d.AMod.Data[t*n+i] = sigmoid(v)
		}
		copy(d.BMod.Data[t*e:(t+1)*e], row[1+n:])
		copy(d.CMod.Data[t*e:(t+1)*e], row[1+n+e:])
	}
	return d, nil
}

// softplus is log(1 + exp(x)), without overflow.
func softplus(x float32) float32 {
	v := float64(x)
	return float32(max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))))
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// Discretization is the third part: Abar and phi of step sizes delta (B, L).
func (l *Layer) Discretization(delta Tensor) (Discrete, error) {
	n := l.config.DState
	if err := delta.shaped("delta", axis{"B", 0}, axis{"L", 0}); err != nil {
		return Discrete{}, err
	}
	cells, err := l.alone(partHold, delta, layerCells, 4*n, flow{layerS, 1, delta.Data})
	if err != nil {
		return Discrete{}, err
	}
	b, length := delta.Shape[0], delta.Shape[1]
	d := Discrete{newComplexTensor(b, length, n), newComplexTensor(b, length, n)}
	for i := range d.Abar.Data {
		c := cells.Data[4*i : 4*i+4]
		d.Abar.Data[i], d.Phi.Data[i] = complex(c[0], c[1]), complex(c[2], c[3])
	}
	return d, nil
}

// maxBbar is the most bytes of Bbar where no memory budget says otherwise.
const maxBbar = 1 << 30

// Bbar is the exact hold of B, phi . B (B, L, E, N), of phi (B, L, N). No
// other part needs it: it is E times as large as phi and lies in host memory.
// If it has more bytes than [Options.MemoryBudget], or without one than 2^30,
// the error is a [*wgpu.LimitError] with both numbers.
func (l *Layer) Bbar(phi ComplexTensor) (ComplexTensor, error) {
	e, n := l.config.DInner(), l.config.DState
	if err := phi.shaped("phi", axis{"B", 0}, axis{"L", 0}, axis{"d_state", n}); err != nil {
		return ComplexTensor{}, err
	}
	b, length := phi.Shape[0], phi.Shape[1]
	most := l.budget
	if most == 0 {
		most = maxBbar
	}
	if need := 8 * uint64(len(phi.Data)) * uint64(e); need > most {
		label := fmt.Sprintf("Bbar (%d, %d, %d, %d)", b, length, e, n)
		return ComplexTensor{}, &wgpu.LimitError{Label: label, Name: "memory budget", Need: need, Have: most}
	}
	out := newComplexTensor(b, length, e, n)
	w := l.params["B"].Data
	for i := range out.Data {
		p := phi.Data[i/(e*n)*n+i%n]
		v := w[i%(e*n)]
		out.Data[i] = complex(real(p)*v, imag(p)*v)
	}
	return out, nil
}

// SelectiveScan is the fourth part: y (B, L, E) of u (B, L, E), from a state
// of zeros. The step sizes are in disc already; dyn.Delta is not looked at.
func (l *Layer) SelectiveScan(u Tensor, dyn Dynamics, disc Discrete) (Tensor, error) {
	e, n := l.config.DInner(), l.config.DState
	if err := u.shaped("u", axis{"B", 0}, axis{"L", 0}, axis{"d_inner", e}); err != nil {
		return Tensor{}, err
	}
	b, t := axis{"B", u.Shape[0]}, axis{"L", u.Shape[1]}
	for _, err := range []error{
		dyn.AMod.shaped("AMod", b, t, axis{"d_state", n}),
		dyn.BMod.shaped("BMod", b, t, axis{"d_inner", e}),
		dyn.CMod.shaped("CMod", b, t, axis{"d_inner", e}),
		disc.Abar.shaped("Abar", b, t, axis{"d_state", n}),
		disc.Phi.shaped("Phi", b, t, axis{"d_state", n}),
	} {
		if err != nil {
			return Tensor{}, err
		}
	}
	cells := make([]float32, 4*len(disc.Abar.Data))
	for i, a := range disc.Abar.Data {
		m, phi := dyn.AMod.Data[i], disc.Phi.Data[i]
		c := cells[4*i : 4*i+4]
		c[0], c[1], c[2], c[3] = m*real(a), m*imag(a), real(phi), imag(phi)
	}
	bc := make([]float32, 0, 2*len(u.Data))
	for i := 0; i < len(u.Data); i += e {
		bc = append(append(bc, dyn.BMod.Data[i:i+e]...), dyn.CMod.Data[i:i+e]...)
	}
	return l.alone(partScan, u, layerV, e,
		flow{layerU, e, u.Data}, flow{layerCells, 4 * n, cells}, flow{layerS, 2 * e, bc})
}

// OutProj is the last part: x + W_out y + b_out of the layer's input x (B, L,
// d_model) and y (B, L, E).
func (l *Layer) OutProj(x, y Tensor) (Tensor, error) {
	d, e := l.config.DModel, l.config.DInner()
	if err := x.shaped("x", axis{"B", 0}, axis{"L", 0}, axis{"d_model", d}); err != nil {
		return Tensor{}, err
	}
	if err := y.shaped("y", axis{"B", x.Shape[0]}, axis{"L", x.Shape[1]}, axis{"d_inner", e}); err != nil {
		return Tensor{}, err
	}
	return l.alone(partOut, x, layerX, d, flow{layerX, d, x.Data}, flow{layerV, e, y.Data})
}

// alone runs one part on sequences as many and as long as those of like.
func (l *Layer) alone(p part, like Tensor, array, width int, in ...flow) (Tensor, error) {
	out := NewTensor(like.Shape[0], like.Shape[1], width)
	j := job{part: p, batch: like.Shape[0], length: like.Shape[1], in: in, out: []flow{{array, width, out.Data}}}
	if err := l.do(context.Background(), nil, j); err != nil {
		return Tensor{}, err
	}
	return out, nil
}
