package train

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/mambagpu/mambagpu/mamba"
)

// Batch is what one pass through the network learns from.
type Batch struct {
	// IDs are rows of SeqLen+1 tokens, Options.Batch of them or fewer: inputs are all
	// but the last of each row, targets all but the first.
	IDs []uint32
	// Inputs, SeqLen of them for each row of IDs, take the place of the inputs. The
	// targets stay. nil means those of IDs.
	Inputs []uint32
}

// check returns an error unless the trainer is open and can take the batches. The
// caller holds the lock.
func (t *Trainer) check(ctx context.Context, batches ...Batch) error {
	if t.closed {
		return ErrClosed
	}
	row := t.opts.SeqLen + 1
	for _, b := range batches {
		n := len(b.IDs)
		if n == 0 || n%row != 0 || n/row > t.opts.Batch {
			return &OptionError{Name: "the number of a batch's tokens", Got: n,
				Want: fmt.Sprintf("1 to %d times SeqLen+1, %d", t.opts.Batch, row)}
		}
		if want := n / row * t.opts.SeqLen; b.Inputs != nil && len(b.Inputs) != want {
			return &OptionError{Name: "the number of a batch's inputs", Got: len(b.Inputs), Want: fmt.Sprint(want)}
		}
		for _, id := range slices.Concat(b.IDs, b.Inputs) {
			if int64(id) >= int64(t.config.VocabSize) {
				return &mamba.TokenError{ID: int(id), Size: t.config.VocabSize}
			}
		}
	}
	return ctx.Err()
}

// targets is the number of tokens that batches predict.
func (t *Trainer) targets(batches ...Batch) int {
	n := 0
	for _, b := range batches {
		n += len(b.IDs) / (t.opts.SeqLen + 1) * t.opts.SeqLen
	}
	return n
}

// inputs cuts a batch into micro-batches.
func (t *Trainer) inputs(b Batch) iter.Seq[input] {
	length := t.opts.SeqLen
	return func(yield func(input) bool) {
		given := b.Inputs
		for ids := b.IDs; len(ids) > 0; {
			in := input{micro: micro{min(t.run.most(), len(ids)/(length+1)), length}}
			for range in.rows {
				row := ids[:length]
				if given != nil {
					row, given = given[:length], given[length:]
				}
				in.ids = append(in.ids, row...)
				in.targets = append(in.targets, ids[1:length+1]...)
				ids = ids[length+1:]
			}
			if !yield(in) {
				return
			}
		}
	}
}

// learn adds the gradients of scale times the sum of a batch's losses.
func (t *Trainer) learn(ctx context.Context, b Batch, scale float32) error {
	for in := range t.inputs(b) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.run.learn(in, scale); err != nil {
			return err
		}
	}
	return nil
}
