package mamba

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Block is a Mamba-1 block (arXiv 2312.00752, alg. 2) as a layer of its own: a
// gated mixer that maps x (B, L, d) to the same shape, with the normalisation
// before it and the residual around it that [BlockConfig] asks for:
//
//	u, z  = split(W_in norm(x))                  (E), (E)
//	u     = silu(causal_conv1d(u))               (E)
//	dt, B, C = split(W_x u)                      (R), (N), (N)
//	delta = softplus(W_dt dt + b_dt)             (E)
//	h     = exp(delta A) . h + (delta u) B       (E, N)  from 0
//	out   = [x +] W_out ((h C + D u) . silu(z))  (d)
//
// Parameters have the names of a layer in Hugging Face checkpoints:
// norm.weight, norm.bias (NormLayer), mixer.in_proj.weight (2E, d),
// mixer.conv1d.weight (E, 1, K), mixer.conv1d.bias, mixer.x_proj.weight (R+2N,
// E), mixer.dt_proj.weight (E, R), mixer.dt_proj.bias, mixer.A_log (E, N),
// mixer.D (E), mixer.out_proj.weight (d, E), and mixer.in_proj.bias and
// mixer.out_proj.bias with Bias. [NewBlock] draws them as [New] does.
//
// They are float32 on every device, and kept in host memory too, for Save. The
// methods may be called from any goroutine and run one after the other. Close
// the block when done.
type Block struct {
	sequencer
	config BlockConfig
}

// blockFormat is what files of a Block say that they hold.
const blockFormat = "mamba-1 block 1"

// NewBlock makes a block with random parameters, the same for the same seed,
// on the device that opts choose as for [NewLayer]. Errors: [*OptionError], those of package wgpu.
func NewBlock(c BlockConfig, seed uint64, opts *Options) (*Block, error) {
	c, err := c.filled()
	if err != nil {
		return nil, err
	}
	src := randomSource{config: c.model(), seed: seed}
	p := c.shapes().draw(seed, func(_ *rand.Rand, name string, shape []int, v []float32) { src.fill(name, shape, v) })
	return makeBlock(c, p, opts)
}

// LoadBlock reads a block from the safetensors file at path, as [Block.Save]
// or other programs write it: tensors of the names and shapes that [Block]
// lists and no others, in F32, F16 or BF16. They are float32 from then on.
// Sizes, biases and Norm are those of the tensors; Residual is the entry
// "residual" of the file's metadata, and true in a file without one. Errors:
// [*checkpoint.FormatError], [*checkpoint.UnsupportedError], those of the file
// system and of package wgpu.
func LoadBlock(path string, opts *Options) (*Block, error) {
	f, err := openLayerFile(path, blockFormat)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := readBlockConfig(f)
	if err != nil {
		return nil, err
	}
	p, err := f.read(c.shapes())
	if err == nil {
		err = p.checkExponents(path, "mixer.A_log")
	}
	if err != nil {
		return nil, err
	}
	return makeBlock(c, p, opts)
}

func makeBlock(c BlockConfig, p parameters, opts *Options) (*Block, error) {
	b := &Block{config: c}
	b.width, b.out = c.DModel, blockNorm
	if c.Residual {
		b.out = blockResidual
	}
	if c.Residual || c.Norm != NormNone {
		b.in = append(b.in, blockResidual)
	}
	if c.Norm == NormNone {
		b.in = append(b.in, blockNorm)
	}
	b.params = p
	b.metadata = map[string]string{
		formatKey: blockFormat, "residual": strconv.FormatBool(c.Residual),
		"norm_eps": strconv.FormatFloat(c.NormEps, 'g', -1, 64),
	}
	if err := b.start(blockParameters{p, c}, opts); err != nil {
		return nil, err
	}
	return b, nil
}

// Config is the block's shape, with the defaults in place.
func (b *Block) Config() BlockConfig { return b.config }

// model is the architecture of a model of one such block.
func (c BlockConfig) model() ModelConfig {
	return ModelConfig{
		Layout: checkpoint.HuggingFace, DModel: c.DModel, NLayer: 1, DInner: c.DInner(), DState: c.DState,
		DConv: c.DConv, DTRank: c.DTRank, VocabSize: 1, NormEps: c.NormEps, Tied: true,
		UseBias: c.Bias, UseConvBias: !c.NoConvBias,
	}
}

// shapes are the parameters' names and shapes: those of the layer in a model.
func (c BlockConfig) shapes() shapes {
	s := shapes{}
	for name, shape := range c.model().Shapes() {
		if name, ok := strings.CutPrefix(name, "backbone.layers.0."); ok && name != "norm.weight" {
			s[name] = shape
		}
	}
	s.addNorm(c.Norm, c.DModel)
	return s
}

// readBlockConfig finds the sizes in the shapes of a file's tensors.
func readBlockConfig(f *layerFile) (BlockConfig, error) {
	var shape [4][]int
	for i, t := range []struct {
		name string
		axes int
	}{{"mixer.in_proj.weight", 2}, {"mixer.conv1d.weight", 3}, {"mixer.dt_proj.weight", 2}, {"mixer.A_log", 2}} {
		var err error
		if shape[i], err = f.sizes(t.name, t.axes); err != nil {
			return BlockConfig{}, err
		}
	}
	in, conv, dt, a := shape[0], shape[1], shape[2], shape[3]
	if in[0]%(2*in[1]) != 0 {
		return BlockConfig{}, f.error("mixer.in_proj.weight", fmt.Sprintf("shape %v", in), "an even multiple of d_model rows")
	}
	c := BlockConfig{
		DModel: in[1], DState: a[1], DConv: conv[2], Expand: in[0] / (2 * in[1]), DTRank: dt[1],
		Bias: f.has("mixer.in_proj.bias"), NoConvBias: !f.has("mixer.conv1d.bias"), Norm: f.norm(), Residual: true,
	}
	if text, ok := f.Metadata()["residual"]; ok {
		var err error
		if c.Residual, err = strconv.ParseBool(text); err != nil {
			return c, f.error("", fmt.Sprintf("metadata residual: %q", text), "true or false")
		}
	}
	if err := f.number("norm_eps", &c.NormEps); err != nil {
		return c, err
	}
	c, err := c.filled()
	return c, f.refused(err)
}

// blockProgram is a network's block with what is around it.
type blockProgram[A any] struct {
	network[A]
	block    BlockConfig
	normBias A // (d)
}

// The places of arrays in blockProgram.arrays.
const (
	blockResidual = iota
	blockNorm
)

func (b *blockProgram[A]) arrays() []array[A] {
	c, a := b.config, &b.act
	return []array[A]{
		{"residual", c.DModel, &a.residual}, {"norm", c.DModel, &a.norm}, {"xz", 2 * c.DInner, &a.xz},
		{"u", c.DInner, &a.u}, {"p", c.DTRank + 2*c.DState, &a.p}, {"delta", c.DInner, &a.delta}, {"y", c.DInner, &a.y},
	}
}

func (b *blockProgram[A]) states() []array[A] {
	c, w := b.config, &b.blocks[0]
	return []array[A]{
		{"conv_state", c.DInner * (c.DConv - 1), &w.convState}, {"ssm_state", c.DInner * c.DState, &w.scanState},
	}
}

func (b *blockProgram[A]) slots() *A { return &b.act.slots }

func (b *blockProgram[A]) run(s unitStages[A], p pass) {
	b.network.block(unitBlockStages[A]{s, b, p.fresh}, 0, batch{rows: p.rows, length: p.length})
}

// unitBlockStages changes what a block in a model does into what its configuration
// asks for.
type unitBlockStages[A any] struct {
	unitStages[A]
	program *blockProgram[A]
	fresh   bool
}

// rmsNorm is the block's normalisation, whichever that is. Without one its
// result is there already.
func (s unitBlockStages[A]) rmsNorm(p shaders.RMSNormParams, x, weight, y A) {
	b := s.program
	normalise(s.unitStages, b.block.Norm, b.block.NormEps, p.Rows, p.Width, x, weight, b.normBias, y)
}

func (s unitBlockStages[A]) causalConv(p shaders.CausalConvParams, x, weights, slots, state, y A) {
	p.Fresh = s.fresh
	s.unitStages.causalConv(p, x, weights, slots, state, y)
}

func (s unitBlockStages[A]) selectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y A) {
	p.Fresh = s.fresh
	s.unitStages.selectiveScan(p, u, delta, bc, z, weights, slots, state, y)
}

func (s unitBlockStages[A]) residualAdd(p shaders.ResidualAddParams, r, x A) {
	if s.program.block.Residual {
		s.unitStages.residualAdd(p, r, x)
	}
}

// blockParameters makes a block's program.
type blockParameters struct {
	parameters
	config BlockConfig
}

func (b blockParameters) onHost() (program[hostArray], error) {
	return loadBlock(b, store[hostArray](hostStore{}))
}

func (b blockParameters) onGPU(st *gpuStore) (program[*wgpu.Buffer], error) {
	return loadBlock(b, store[*wgpu.Buffer](st))
}

func loadBlock[A any](p blockParameters, st store[A]) (*blockProgram[A], error) {
	all := parameters{"norm.weight": NewTensor(p.config.DModel)} // in the place of none
	for name, t := range p.parameters {
		all[name] = t
	}
	l := &loader[A]{config: p.config.model(), source: all, store: st}
	out := &blockProgram[A]{block: p.config}
	out.config = l.config
	out.blocks = []block[A]{l.block("")}
	if p.config.Norm == NormLayer {
		out.normBias = l.vector("norm.bias")
	}
	return out, l.err
}
