package train

import (
	"math"
	"sync"

	"github.com/mambagpu/mambagpu/wgpu"
)

// learner is what trainers of all kinds have in common: parameters with their gradients
// and AdamW's moments, which R keeps on a device.
type learner[R updater] struct {
	opts Options

	mu     sync.Mutex
	run    R
	steps  int  // updates so far
	stale  bool // the gradients are those of an update, to be cleared
	closed bool
}

// updater is what a learner has an engine do, whatever the machine.
type updater interface {
	info() wgpu.AdapterInfo
	memoryInUse() uint64
	close() error
	// begin clears the sum of losses and sets what updates need to know.
	begin(control [3]float32) error
	clearGradients() error
	// update takes the parameters on by their gradients and returns what asks for
	// the report in a slot, 0 or 1.
	update(slot int) (func() (report, error), error)

	parts() []part
	read(k kind, name string) ([]float32, error)
	write(k kind, name string, v []float32) error
}

// Close gives back what the trainer holds. Further calls do nothing; other methods
// then return [ErrClosed].
func (l *learner[R]) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return l.run.close()
}

// AdapterInfo describes what the trainer runs on.
func (l *learner[R]) AdapterInfo() wgpu.AdapterInfo { return l.run.info() }

// MemoryInUse is the number of bytes that the trainer holds on its device, and, on a
// device that is not its own, that others hold there.
func (l *learner[R]) MemoryInUse() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0
	}
	return l.run.memoryInUse()
}

// ZeroGradients clears the gradients. Errors: [ErrClosed].
func (l *learner[R]) ZeroGradients() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return l.zero()
}

// zero is ZeroGradients. The caller holds the lock.
func (l *learner[R]) zero() error {
	l.stale = false
	return l.run.clearGradients()
}

// control is what the next update needs to know: the learning rate and the
// corrections of AdamW's moments for having begun at 0.
func (l *learner[R]) control(lr float64) [3]float32 {
	n := float64(l.steps + 1)
	return [3]float32{
		float32(lr), float32(1 / (1 - math.Pow(l.opts.Beta1, n))), float32(1 / (1 - math.Pow(l.opts.Beta2, n))),
	}
}
