package train

import (
	"context"
	"errors"
	"io"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Trainer is a model in training on a device. Make one with [New], [Load] or
// [NewFrom]. Its methods may be called from any goroutine and run one after the
// other.
type Trainer struct {
	config mamba.ModelConfig
	opts   Options
}

var errUnfinished = errors.New("train: unfinished")

// New makes a trainer of a model with the reference implementation's random
// initialisation, the same for the same Options.Seed: what [mamba.New] makes.
// Errors: [*OptionError], [*checkpoint.FormatError], those of package wgpu.
func New(c mamba.ModelConfig, opts *Options) (*Trainer, error) { return nil, errUnfinished }

// Load makes a trainer of the checkpoint in folder dir, of any float type, to train
// it on. Errors: [*checkpoint.FormatError], [*checkpoint.UnsupportedError] (a
// quantised model among others), those of [New] and of the file system.
func Load(dir string, opts *Options) (*Trainer, error) { return nil, errUnfinished }

// NewFrom makes a trainer of weights that a function gives, each by its name in
// Hugging Face layout and in the order of [checkpoint.Config.Shapes]. Errors are
// those of New, of the function, and [*ParameterError].
func NewFrom(c mamba.ModelConfig, tensor func(name string) ([]float32, error), opts *Options) (*Trainer, error) {
	return nil, errUnfinished
}

// Close gives back what the trainer holds. Further calls do nothing; other methods
// then return [ErrClosed].
func (t *Trainer) Close() error { return errUnfinished }

// Config is the model's architecture.
func (t *Trainer) Config() mamba.ModelConfig { return t.config }

// Options are the trainer's options with the defaults in place. WeightDecay and Clip
// are 0 there for none.
func (t *Trainer) Options() Options { return t.opts }

// AdapterInfo describes what the trainer runs on.
func (t *Trainer) AdapterInfo() wgpu.AdapterInfo { return wgpu.AdapterInfo{} }

// MemoryInUse is the number of bytes that the trainer holds on its device, and, on a
// device that is not its own, that others hold there.
func (t *Trainer) MemoryInUse() uint64 { return 0 }

// Steps is the number of updates so far, those before LoadOptimizer included.
func (t *Trainer) Steps() int { return 0 }

// Batch is what one pass through the network learns from.
type Batch struct {
	// IDs are rows of SeqLen+1 tokens, Options.Batch of them or fewer: inputs are all
	// but the last of each row, targets all but the first.
	IDs []uint32
}

// Result is what a step tells.
type Result struct {
	Step     int     // counted from 1, those before LoadOptimizer included
	Loss     float64 // mean cross-entropy in nats over all targets, before the update
	GradNorm float64 // of all gradients together, before clipping
}

// Step updates the weights once, by the mean loss over the targets of all batches,
// whose gradients accumulate: two batches are as one of twice the rows. Gradients
// that were there before are lost. If ctx ends it returns its error, with the
// weights as they were. Errors: [*DivergedError], [*mamba.TokenError],
// [*OptionError], [ErrClosed].
func (t *Trainer) Step(ctx context.Context, lr float64, batches ...Batch) (Result, error) {
	p, err := t.Submit(ctx, lr, batches...)
	if err != nil {
		return Result{}, err
	}
	return p.Wait()
}

// Submit is [Trainer.Step] that does not wait for the device: the next step may be
// submitted before the result of this one is asked for, so that the device does not
// idle while the host makes batches. Two steps may be under way; a third is
// [ErrBusy]. Other methods see the weights after all that was submitted.
func (t *Trainer) Submit(ctx context.Context, lr float64, batches ...Batch) (*Pending, error) {
	return nil, errUnfinished
}

// Pending is a step under way.
type Pending struct{}

// Wait returns the step's result when the device is done with it; further calls
// return it again. Errors: [*DivergedError], [ErrClosed].
func (p *Pending) Wait() (Result, error) { return Result{}, errUnfinished }

// Backward adds the gradient of a batch's mean loss to the gradients, and returns
// the loss.
func (t *Trainer) Backward(ctx context.Context, b Batch) (loss float64, err error) {
	return 0, errUnfinished
}

// Update takes the weights on by the gradients, clipped, and clears them. It
// returns the gradients' norm before clipping. Errors: [*DivergedError], [ErrClosed].
func (t *Trainer) Update(ctx context.Context, lr float64) (norm float64, err error) {
	return 0, errUnfinished
}

// ZeroGradients clears the gradients.
func (t *Trainer) ZeroGradients() error { return errUnfinished }

// Loss is the mean cross-entropy of a batch in nats. Gradients and weights stay.
func (t *Trainer) Loss(ctx context.Context, b Batch) (float64, error) { return 0, errUnfinished }

// Logits runs a batch's inputs through the network and returns (rows, SeqLen, V).
// Gradients and weights stay.
func (t *Trainer) Logits(ctx context.Context, b Batch) ([]float32, error) {
	return nil, errUnfinished
}

// Parameter describes one tensor of the model.
type Parameter struct {
	Name   string // in Hugging Face layout
	Shape  []int
	Decays bool // weight decay applies
}

// Parameters lists the model's tensors in the order of its computation.
func (t *Trainer) Parameters() []Parameter { return nil }

// Value reads a parameter, row-major. Errors: [*ParameterError], [ErrClosed].
func (t *Trainer) Value(name string) ([]float32, error) { return nil, errUnfinished }

// SetValue replaces a parameter. Errors: [*ParameterError], [ErrClosed].
func (t *Trainer) SetValue(name string, v []float32) error { return errUnfinished }

// Gradient reads a parameter's gradient, row-major: what Backward added up since
// the gradients were cleared. After Step it is that step's, not clipped. Errors:
// [*ParameterError], [ErrClosed].
func (t *Trainer) Gradient(name string) ([]float32, error) { return nil, errUnfinished }

// SaveModel writes the model to folder dir in Hugging Face layout. Tensors of two or
// more dimensions but A_log get the type dtype, F32, F16 or BF16; all others are F32.
// The folder appears when all is written; dir must not exist, or be empty. Errors:
// [*OptionError], [ErrClosed], those of the file system; [fs.ErrExist] where dir is
// not empty.
func (t *Trainer) SaveModel(dir string, dtype checkpoint.DType) error { return errUnfinished }

// WriteModel is SaveModel into a folder that exists, where files of the same names
// are replaced: for folders that hold more than a model and appear as a whole by
// [checkpoint.CreateFolder].
func (t *Trainer) WriteModel(dir string, dtype checkpoint.DType) error { return errUnfinished }

// SaveOptimizer writes what training has beside the weights: AdamW's moments and the
// number of steps, as a safetensors file. A trainer that loads it, and the weights
// in F32, goes on to the same bits on the same device.
func (t *Trainer) SaveOptimizer(w io.Writer) error { return errUnfinished }

// LoadOptimizer reads what SaveOptimizer wrote. Errors: [*checkpoint.FormatError],
// [ErrClosed], those of the reader.
func (t *Trainer) LoadOptimizer(r io.Reader) error { return errUnfinished }
