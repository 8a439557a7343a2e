package train

import "context"

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
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.check(ctx, batches...); err != nil {
		return nil, err
	}
	if len(batches) == 0 {
		return nil, &OptionError{Name: "the number of batches", Got: 0, Want: "1 or more"}
	}
	if err := t.busy(); err != nil {
		return nil, err
	}
	if err := t.zero(); err != nil {
		return nil, err
	}
	t.stale = true
	if err := t.run.begin(t.control(lr)); err != nil {
		return nil, err
	}
	targets := t.targets(batches...)
	for _, b := range batches {
		if err := t.learn(ctx, b, 1/float32(targets)); err != nil {
			return nil, err
		}
	}
	return t.finish(targets)
}

// update is a step by the gradients that are there.
func (t *Trainer) update(lr float64) (*Pending, error) {
	if err := t.busy(); err != nil {
		return nil, err
	}
	if err := t.run.begin(t.control(lr)); err != nil {
		return nil, err
	}
	return t.finish(0)
}

// busy returns an error if the next step's result has no room.
func (t *Trainer) busy() error {
	if p := t.pending[(t.steps+1)%2]; p != nil && !p.done {
		return ErrBusy
	}
	return nil
}

// finish updates the weights.
func (t *Trainer) finish(targets int) (*Pending, error) {
	slot := (t.steps + 1) % 2
	fetch, err := t.run.update(slot)
	if err != nil {
		return nil, err
	}
	t.steps++
	t.stale = true
	t.pending[slot] = &Pending{trainer: t, step: t.steps, targets: targets, fetch: fetch}
	return t.pending[slot], nil
}

// Pending is a step under way.
type Pending struct {
	trainer *Trainer
	step    int
	targets int // 0 of an update without losses
	fetch   func() (report, error)

	done   bool
	result Result
	err    error
}

// Wait returns the step's result when the device is done with it; further calls
// return it again. Errors: [*DivergedError], [ErrClosed].
func (p *Pending) Wait() (Result, error) {
	t := p.trainer
	t.mu.Lock()
	defer t.mu.Unlock()
	if !p.done {
		p.result, p.err = p.wait()
		p.done = true
	}
	return p.result, p.err
}

func (p *Pending) wait() (Result, error) {
	if p.trainer.closed {
		return Result{}, ErrClosed
	}
	r, err := p.fetch()
	if err != nil {
		return Result{}, err
	}
	result := Result{Step: p.step, GradNorm: r.norm}
	if p.targets > 0 {
		result.Loss = r.loss / float64(p.targets)
	}
	if !finite(result.Loss) || !finite(r.norm) {
		if p.trainer.steps == p.step {
			p.trainer.steps--
		}
		return result, p.trainer.diverged(p.step, result.Loss, r.squares)
	}
	return result, nil
}

// diverged finds the tensor that is to blame: the first weight that is not finite,
// then the first gradient by the sums of squares, if there are any.
func (t *Trainer) diverged(step int, loss float64, squares []float64) error {
	e := &DivergedError{Step: step, Loss: loss, Tensor: "loss"}
	parts := t.run.parts()
	for _, p := range parts {
		v, err := t.run.read(value, p.Name)
		if err != nil {
			return err
		}
		if !allFinite(v) {
			e.Tensor, e.Kind = p.Name, "weight"
			return e
		}
	}
	for i, s := range squares {
		if !finite(s) {
			e.Tensor, e.Kind = parts[i].Name, "gradient"
			break
		}
	}
	return e
}

func allFinite(values []float32) bool {
	for _, v := range values {
		if !finite(float64(v)) {
			return false
		}
	}
	return true
}
