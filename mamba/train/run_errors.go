package train

import "fmt"

// RunError says why a run stopped, and what there is to go on from.
type RunError struct {
	Step       int    // the last step that was completed
	Checkpoint string // the folder of the newest checkpoint from before anything was wrong; empty if there is none
	Err        error
}

// Error is the reason, with the checkpoint.
func (e *RunError) Error() string {
	last := "there is no checkpoint"
	if e.Checkpoint != "" {
		last = "the last good checkpoint is " + e.Checkpoint
	}
	return fmt.Sprintf("%v; %s", e.Err, last)
}

// Unwrap is the reason.
func (e *RunError) Unwrap() error { return e.Err }

// InterruptedError says that a run ended because its context did. It goes on from
// the checkpoint.
type InterruptedError struct {
	Step       int
	Checkpoint string // empty if it was before the first step
	Err        error  // the context's
}

// Error says where the run stands.
func (e *InterruptedError) Error() string {
	if e.Checkpoint == "" {
		return "train: interrupted before the first step"
	}
	return fmt.Sprintf("train: interrupted after step %d, saved in %s", e.Step, e.Checkpoint)
}

// Unwrap is the context's error.
func (e *InterruptedError) Unwrap() error { return e.Err }

// RisenError says that the loss is far above what it was and does not come back: the
// mean of the last 20 steps was a nat or more above the least such mean, at every one
// of 100 steps.
type RisenError struct {
	Step     int
	Loss     float64 // the mean now
	Best     float64 // the least mean
	BestStep int
}

// Error says how the loss rose.
func (e *RisenError) Error() string {
	return fmt.Sprintf("train: diverged at step %d: the loss, %.4g over the last %d steps, has been %d nat or more above the %.4g of step %d for %d steps",
		e.Step, e.Loss, watchMean, watchRise, e.Best, e.BestStep, watchPatience)
}

// SettingError says that a run is to be resumed otherwise than it was begun.
type SettingError struct {
	Name       string // as a field of [Settings]
	Got, Begun any
}

// Error names the setting and both its values.
func (e *SettingError) Error() string {
	return fmt.Sprintf("train: %s is %v, but the run was begun with %v: it cannot go on with another", e.Name, e.Got, e.Begun)
}
