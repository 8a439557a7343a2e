package train

import "slices"

// When a loss counts as risen for good.
const (
	watchMean     = 20  // steps that a mean is taken over
	watchRise     = 1   // nats above the least mean
	watchPatience = 100 // steps for which it stays there
)

// watch looks out for a loss that rises and does not come back.
type watch struct {
	Last     []float64 `json:"last"` // losses of the last steps, watchMean at most
	Best     float64   `json:"best"` // the least mean
	BestStep int       `json:"best_step"`
	Risen    int       `json:"risen"` // the steps in a row whose mean is too high
}

// add takes in a step's loss. The error is a *RisenError.
func (w *watch) add(step int, loss float64) error {
	w.Last = append(w.Last, loss)
	if len(w.Last) < watchMean {
		return nil
	}
	w.Last = slices.Clone(w.Last[len(w.Last)-watchMean:])
	mean := 0.0
	for _, l := range w.Last {
		mean += l / watchMean
	}
	switch {
	case w.BestStep == 0 || mean < w.Best:
		w.Best, w.BestStep, w.Risen = mean, step, 0
	case mean < w.Best+watchRise:
		w.Risen = 0
	default:
		w.Risen++
	}
	if w.Risen >= watchPatience {
		return &RisenError{Step: step, Loss: mean, Best: w.Best, BestStep: w.BestStep}
	}
	return nil
}

// risen reports whether the loss is too high now: no time for a checkpoint.
func (w *watch) risen() bool { return w.Risen > 0 }
