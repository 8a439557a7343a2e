package train

import (
	"context"
	"math"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// Trainer is a model in training on a device. Make one with [New], [Load] or
// [NewFrom]. Its methods may be called from any goroutine and run one after the
// other.
type Trainer struct {
	learner[runner]
	config  mamba.ModelConfig
	pending [2]*Pending // steps under way, by their number's last bit
}

// New makes a trainer of a model with the reference implementation's random
// initialisation, the same for the same Options.Seed: that of [mamba.New]. Errors:
// [*OptionError], [*checkpoint.FormatError], those of package wgpu.
func New(c mamba.ModelConfig, opts *Options) (*Trainer, error) {
	var seed uint64
	if opts != nil {
		seed = opts.Seed
	}
	values, err := mamba.InitialValues(c, seed)
	if err != nil {
		return nil, err
	}
	return NewFrom(c, values, opts)
}

// Load makes a trainer of the checkpoint in folder dir, of any float type, to train
// it on. Errors: [*checkpoint.FormatError], [*checkpoint.UnsupportedError], those of
// [New] and of the file system; a quantised model is an [*OptionError].
func Load(dir string, opts *Options) (*Trainer, error) {
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	defer ckpt.Close()
	if ckpt.Config.Bits != 0 {
		return nil, &OptionError{Name: "the model's weights", Got: "integers", Want: "floats: a quantised model cannot be trained"}
	}
	return NewFrom(ckpt.Config, func(name string) ([]float32, error) { return floats(ckpt, name) }, opts)
}

// floats reads a tensor of a checkpoint.
func floats(ckpt *checkpoint.Checkpoint, name string) ([]float32, error) {
	t, err := ckpt.Tensor(name)
	if err != nil {
		return nil, err
	}
	return t.Float32(nil)
}

// NewFrom makes a trainer of weights that a function gives, each by its name in
// Hugging Face layout. Errors are those of New, of the function, and
// [*ParameterError].
func NewFrom(c mamba.ModelConfig, tensor func(name string) ([]float32, error), opts *Options) (*Trainer, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	if err := checkConfig(c); err != nil {
		return nil, err
	}
	t := &Trainer{learner: learner[runner]{opts: o}, config: c}
	t.run, err = open(c, tensor, &t.opts)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// checkConfig returns an error unless a model may have these sizes.
func checkConfig(c mamba.ModelConfig) error {
	if c.Bits != 0 {
		return &OptionError{Name: "Bits", Got: c.Bits, Want: "0: a quantised model cannot be trained"}
	}
	data, err := checkpoint.HuggingFaceConfig(c)
	if err == nil {
		_, err = checkpoint.ParseConfig("ModelConfig", data)
	}
	return err
}

// Config is the model's architecture.
func (t *Trainer) Config() mamba.ModelConfig { return t.config }

// Options are the trainer's options with the defaults in place. WeightDecay and Clip
// are 0 there for none, and Tuning is what the kernels are tuned by.
func (t *Trainer) Options() Options { return t.opts }

// MicroBatch is the number of sequences that go through the network at a time.
func (t *Trainer) MicroBatch() int { return t.run.most() }

// Steps is the number of updates so far, those before LoadOptimizer included.
func (t *Trainer) Steps() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.steps
}

// Backward adds the gradient of a batch's mean loss to the gradients, and returns
// the loss. The first one after an update begins with gradients of 0. Errors:
// [*mamba.TokenError], [*OptionError], [*DivergedError] for a loss that is not
// finite, [ErrClosed], the context's.
func (t *Trainer) Backward(ctx context.Context, b Batch) (loss float64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.check(ctx, b); err != nil {
		return 0, err
	}
	if t.stale {
		if err := t.zero(); err != nil {
			return 0, err
		}
	}
	if err := t.run.begin([3]float32{}); err != nil {
		return 0, err
	}
	if err := t.learn(ctx, b, 1/float32(t.targets(b))); err != nil {
		return 0, err
	}
	sum, err := t.run.lossSum()
	loss = sum / float64(t.targets(b))
	if err == nil && !finite(loss) {
		err = t.diverged(t.steps+1, loss, nil)
	}
	return loss, err
}

// Update takes the weights on by the gradients, clipped, and returns the gradients'
// norm before clipping. The next Backward begins anew. Errors: [*DivergedError],
// [ErrClosed], the context's.
func (t *Trainer) Update(ctx context.Context, lr float64) (norm float64, err error) {
	t.mu.Lock()
	if err := t.check(ctx); err != nil {
		t.mu.Unlock()
		return 0, err
	}
	p, err := t.update(lr)
	t.mu.Unlock()
	if err != nil {
		return 0, err
	}
	r, err := p.Wait()
	return r.GradNorm, err
}

// Loss is the mean cross-entropy of a batch in nats. Gradients and weights stay.
// Errors: [*mamba.TokenError], [*OptionError], [ErrClosed], the context's.
func (t *Trainer) Loss(ctx context.Context, b Batch) (float64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.check(ctx, b); err != nil {
		return 0, err
	}
	if err := t.run.begin([3]float32{}); err != nil {
		return 0, err
	}
	for in := range t.inputs(b) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := t.run.evaluate(in); err != nil {
			return 0, err
		}
	}
	sum, err := t.run.lossSum()
	return sum / float64(t.targets(b)), err
}

// Logits runs a batch's inputs through the network and returns (rows, SeqLen, V).
// Gradients and weights stay. Errors are those of Loss.
func (t *Trainer) Logits(ctx context.Context, b Batch) ([]float32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.check(ctx, b); err != nil {
		return nil, err
	}
	var all []float32
	for in := range t.inputs(b) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := t.run.present(in, func(logits []float32) { all = append(all, logits...) }); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
