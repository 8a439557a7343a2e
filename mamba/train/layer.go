package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/mambagpu/mambagpu/mamba"
)

// LayerTrainer is an input-modulated layer, a [mamba.Layer], in training on a device. The
// loss is the caller's: from what Forward returns the caller makes the loss's gradient,
// which Backward takes on to the parameters and to the input.
//
//	y, err := t.Forward(ctx, x)        // (B, L, d)
//	dx, err := t.Backward(ctx, dy(y))  // and the parameters' gradients
//	norm, err := t.Update(ctx, lr)
//
// A network of several layers passes y on to the next one and dx back. The methods may be
// called from any goroutine and run one after the other. Close the trainer when done.
type LayerTrainer struct {
	learner[layerRunner]
	config mamba.Config
	there  micro // the shape of a Forward that Backward may follow, or nothing
}

// ErrNoForward is returned by [LayerTrainer.Backward] where no Forward is left to go back
// from: each takes one of its own.
var ErrNoForward = errors.New("train: Backward without a Forward before it")

// NewLayerTrainer makes a trainer of the layer that [mamba.NewLayer] makes with the seed
// [Options.Seed]. Of the options those do not count that are about batches of tokens
// and memory: Batch, SeqLen, MicroBatch, Recompute and LogitBytes. Errors:
// [*OptionError], those of package wgpu.
func NewLayerTrainer(config mamba.Config, opts *Options) (*LayerTrainer, error) {
	var seed uint64
	if opts != nil {
		seed = opts.Seed
	}
	w, err := mamba.DrawLayer(config, seed)
	if err != nil {
		return nil, err
	}
	return newLayerTrainer(w, opts)
}

// LoadLayerTrainer makes a trainer of the layer in a safetensors file, as
// [mamba.LoadLayer] reads it. Errors are those of LoadLayer and of NewLayerTrainer.
func LoadLayerTrainer(path string, opts *Options) (*LayerTrainer, error) {
	w, err := mamba.ReadLayer(path)
	if err != nil {
		return nil, err
	}
	return newLayerTrainer(w, opts)
}

func newLayerTrainer(w mamba.LayerWeights, opts *Options) (*LayerTrainer, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	t := &LayerTrainer{learner: learner[layerRunner]{opts: o}, config: w.Config}
	t.run, err = openLayer(w, &t.opts)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Config is the layer's shape, with the defaults in place.
func (t *LayerTrainer) Config() mamba.Config { return t.config }

// Forward takes sequences x (B, L, d_model) from their beginning to their end and returns
// a tensor of the same shape. All of them go through at once, and what Backward needs of
// them stays on the device: about 7 d_inner + 7 d_model + 8 d_state numbers a token, with
// what Backward itself takes. Errors: [*mamba.TensorError], [ErrClosed], the context's,
// those of package wgpu for want of memory.
func (t *LayerTrainer) Forward(ctx context.Context, x mamba.Tensor) (mamba.Tensor, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, err := t.shape(ctx, "x", x)
	if err != nil {
		return mamba.Tensor{}, err
	}
	t.there = micro{}
	y := mamba.NewTensor(x.Shape...)
	if err := t.run.forward(m, x.Data, y.Data); err != nil {
		return mamba.Tensor{}, err
	}
	t.there = m
	return y, nil
}

// Backward takes the gradient of a loss by the last Forward's result, of its shape, adds
// the parameters' gradients to what is there and returns that of the input. The first
// one after an update begins with gradients of 0. Errors: [*mamba.TensorError],
// [ErrNoForward], [ErrClosed], the context's.
func (t *LayerTrainer) Backward(ctx context.Context, dy mamba.Tensor) (mamba.Tensor, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, err := t.shape(ctx, "dy", dy)
	if err != nil {
		return mamba.Tensor{}, err
	}
	if t.there == (micro{}) {
		return mamba.Tensor{}, ErrNoForward
	}
	if m != t.there {
		return mamba.Tensor{}, &mamba.TensorError{Name: "dy", Got: fmt.Sprintf("shape %v", dy.Shape),
			Want: fmt.Sprintf("that of Forward's result, (%d, %d, %d)", t.there.rows, t.there.length, t.config.DModel)}
	}
	if t.stale {
		if err := t.zero(); err != nil {
			return mamba.Tensor{}, err
		}
	}
	t.there = micro{} // what it kept is used up
	dx := mamba.NewTensor(dy.Shape...)
	return dx, t.run.backward(m, dy.Data, dx.Data)
}

// shape is that of a tensor (B, L, d_model). The caller holds the lock.
func (t *LayerTrainer) shape(ctx context.Context, name string, x mamba.Tensor) (micro, error) {
	if t.closed {
		return micro{}, ErrClosed
	}
	s := x.Shape
	want := fmt.Sprintf("shape (B, L, %d), no axis empty", t.config.DModel)
	if len(s) != 3 || s[0] < 1 || s[1] < 1 || s[2] != t.config.DModel {
		return micro{}, &mamba.TensorError{Name: name, Got: fmt.Sprintf("shape %v", s), Want: want}
	}
	// Divided, not multiplied: the product of foreign sizes may wrap.
	if n := len(x.Data); n%s[2] != 0 || n/s[2]%s[1] != 0 || n/s[2]/s[1] != s[0] {
		return micro{}, &mamba.TensorError{Name: name, Got: fmt.Sprintf("shape %v and %d elements", s, n), Want: "as many elements as its shape has"}
	}
	return micro{s[0], s[1]}, ctx.Err()
}

// Update takes the parameters on by their gradients with AdamW, the gradients clipped as
// the options say, and returns the gradients' norm before that. Errors:
// [*DivergedError] for gradients that are not finite, which leave the parameters as they
// were, [ErrClosed], the context's.
func (t *LayerTrainer) Update(ctx context.Context, lr float64) (norm float64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := t.run.begin(t.control(lr)); err != nil {
		return 0, err
	}
	fetch, err := t.run.update(0)
	if err != nil {
		return 0, err
	}
	r, err := fetch()
	if err != nil {
		return 0, err
	}
	t.stale = true
	if !finite(r.norm) {
		return r.norm, t.diverged(r.squares)
	}
	t.steps++
	return r.norm, nil
}

// diverged names the first parameter whose gradient is not finite, or, where only the sum
// of all squares is not, the one with the largest.
func (t *LayerTrainer) diverged(squares []float64) error {
	blame := slices.IndexFunc(squares, func(s float64) bool { return !finite(s) })
	if blame < 0 {
		blame = slices.Index(squares, slices.Max(squares))
	}
	return &DivergedError{Step: t.steps + 1, Tensor: t.run.parts()[blame].Name, Kind: "gradient", Loss: math.NaN()}
}

// Save writes the parameters as a safetensors file of float32, which [mamba.LoadLayer]
// and [LoadLayerTrainer] read.
func (t *LayerTrainer) Save(w io.Writer) error {
	weights := mamba.LayerWeights{Config: t.config, Tensors: map[string]mamba.Tensor{}}
	for _, p := range t.Parameters() {
		v, err := t.Value(p.Name)
		if err != nil {
			return err
		}
		weights.Tensors[p.Name] = mamba.Tensor{Shape: p.Shape, Data: v}
	}
	return weights.Write(w)
}
