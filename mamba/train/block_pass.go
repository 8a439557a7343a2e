package train

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// BlockPass is one Mamba block without norm and residual, forward and backward, as
// the trainer runs it within a network, by the kernels' default variants: for
// measurements.
type BlockPass struct {
	machine *gpuMachine
	engine  *engine[*wgpu.Buffer]
	passes  []*wgpu.Pass
}

// NewBlockPass makes a block of width d, d_state 16, d_conv 4 and expand 2 with random
// weights, input and gradient of the output, (batch, length, d) both. Errors are those
// of [New].
func NewBlockPass(dev *wgpu.Device, batch, length, d int) (*BlockPass, error) {
	m := newGPUMachine(dev, false)
	e, err := newBlockEngine(m, batch, length, d)
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	r, err := m.find(plan{}, func(s operations[*wgpu.Buffer]) { runBlock(s, e.net, micro{batch, length}) })
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return &BlockPass{m, e, r.passes}, nil
}

// Dispatches is the number of kernels that a run starts.
func (b *BlockPass) Dispatches() int {
	n := 0
	for _, p := range b.passes {
		n += p.Dispatches()
	}
	return n
}

// Time runs the block once and returns the GPU's time. Errors: [wgpu.ErrNoTimestamps].
func (b *BlockPass) Time() (time.Duration, error) {
	var all time.Duration
	for _, p := range b.passes {
		t, err := p.SubmitTotal()
		if err != nil {
			return 0, err
		}
		all += t
	}
	return all, nil
}

// Results runs the block once and reads the output, the gradient of the input, and
// those of the weights, by their names in a layer.
func (b *BlockPass) Results() (map[string][]float32, error) {
	for _, p := range b.passes {
		if err := p.Submit(); err != nil {
			return nil, err
		}
	}
	return blockResults(b.engine)
}

// Close gives back what the block holds.
func (b *BlockPass) Close() error { return b.machine.close() }

// BlockResults is what [BlockPass.Results] should give, computed in plain Go.
func BlockResults(batch, length, d int) (map[string][]float32, error) {
	e, err := newBlockEngine(&goMachine{}, batch, length, d)
	if err != nil {
		return nil, err
	}
	runBlock(hostOperations{}, e.net, micro{batch, length})
	return blockResults(e)
}

func newBlockEngine[A any](m machine[A], batch, length, d int) (*engine[A], error) {
	c := mamba.ModelConfig{
		DModel: d, NLayer: 1, DInner: 2 * d, DState: 16, DConv: 4, DTRank: (d + 15) / 16, VocabSize: 8, NormEps: 1e-5,
		Tied: true, UseConvBias: true, Layout: checkpoint.HuggingFace,
	}
	values, err := mamba.InitialValues(c, 1)
	if err != nil {
		return nil, err
	}
	o, err := (&Options{Batch: batch, SeqLen: length, MicroBatch: batch}).filled()
	if err != nil {
		return nil, err
	}
	e, err := newEngine(m, c, values, &o)
	if err != nil {
		return nil, err
	}
	if e.rows < batch {
		return nil, &shaders.ShapeError{Kernel: "block", Arg: "batch", Got: "beyond the device's room", Want: "less"}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, x := range []A{e.net.act.residual[0], e.net.act.dres} {
		v := make([]float32, batch*length*d)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		if err := m.write(x, 0, v); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func runBlock[A any](s operations[A], n *network[A], m micro) {
	act := &n.act
	n.clearGradients(s)
	n.mix(s, 0, m, act.residual[0])
	n.stages(0, m).outProj.forward(s, n.blocks[0].kept.y, act.residual[1], false)
	n.mixBackward(s, 0, m, act.residual[0], act.norm)
}

func blockResults[A any](e *engine[A]) (map[string][]float32, error) {
	act := &e.net.act
	all := map[string][]float32{}
	for name, x := range map[string]A{"output": act.residual[1], "gradient of the input": act.norm} {
		v := make([]float32, e.rows*e.opts.SeqLen*e.net.config.DModel)
		if err := e.machine.read(x, 0, v); err != nil {
			return nil, err
		}
		all[name] = v
	}
	for _, p := range e.parts() {
		v, err := e.read(gradient, p.Name)
		if err != nil {
			return nil, err
		}
		all["gradient of "+p.Name] = v
	}
	return all, nil
}
