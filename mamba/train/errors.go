package train

import (
	"errors"
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// ErrClosed is returned by methods of a trainer after Close.
var ErrClosed = wgpu.ErrClosed

// ErrBusy is returned by methods of a trainer that has as many steps under way as it
// keeps results of: see [Trainer.Submit].
var ErrBusy = errors.New("train: two steps are under way: wait for the first one")

// DivergedError is returned for a step whose loss or gradients are not finite. The
// weights are those from before the step.
type DivergedError struct {
	Step   int     // the step that failed, counted from 1
	Tensor string  // the first tensor in the network's order that is not finite, or "loss"
	Kind   string  // "weight" or "gradient"; "" of the loss
	Loss   float64 // the step's
}

// Error names the step and the tensor.
func (e *DivergedError) Error() string {
	what := "the loss"
	if e.Kind != "" {
		what = "the " + e.Kind + " of " + e.Tensor
	}
	return fmt.Sprintf("train: diverged at step %d (loss %g): %s is not finite", e.Step, e.Loss, what)
}

// ParameterError is returned for a parameter that the model does not have, or for
// values that do not fit it.
type ParameterError struct {
	Name string
	Got  string
	Want string
}

// Error names the parameter and what was expected.
func (e *ParameterError) Error() string {
	return fmt.Sprintf("train: parameter %s: got %s, want %s", e.Name, e.Got, e.Want)
}
