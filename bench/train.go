package bench

import (
	"fmt"
	"math"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
)

// The names of what is timed of training: a block forward and backward, and a step of
// a language model.
const (
	blockTrainName = "mamba_block fwd+bwd"
	trainName      = "train"
)

// trainingCase is something of training at one shape.
type trainingCase struct {
	result  Result // what is known before
	measure func(r *runner, res *Result) error
}

// trainingCases lists what is timed: blocks as the reference was, steps of a small
// batch and of the recipe of the reference model.
func trainingCases() []trainingCase {
	return []trainingCase{
		blockTraining(1, 256, 512), blockTraining(8, 1024, 512), stepTraining(1, 32), stepTraining(64, 512),
	}
}

// trainings is the cases that are wanted.
func (r *runner) trainings() []trainingCase {
	var list []trainingCase
	for _, c := range trainingCases() {
		if r.opts.wants(c.result.Name) {
			list = append(list, c)
		}
	}
	return list
}

// runTraining measures a case, unless it would take too long, and adds its result.
func (r *runner) runTraining(c trainingCase) error {
	res := c.result
	r.progress(res.Key())
	least, _ := r.report.Roofs.Least(res.Bytes, res.Flops)
	if res.Skipped = r.modelEffort().tooLong(least); res.Skipped == "" {
		if err := res.judge(c.measure(r, &res)); err != nil {
			return err
		}
	}
	r.report.Results = append(r.report.Results, res)
	return r.ctx.Err()
}

// warmUp has the device work for long enough to raise its clock.
func (r *runner) warmUp(once func() error) error {
	for start := time.Now(); ; {
		if err := once(); err != nil {
			return err
		}
		if time.Since(start) >= r.effort.warm || r.ctx.Err() != nil {
			return nil
		}
	}
}

// scanTrainFlops are the operations of a state and step of a scan and its backward
// pass, which makes the states once more; exponentials are not counted.
const scanTrainFlops = 6 + 6 + 14

// blockTrainFlops are the operations of a token in a block: every product three times.
func blockTrainFlops(c mamba.ModelConfig) float64 {
	d, e, n, k, r := float64(c.DModel), float64(c.DInner), float64(c.DState), float64(c.DConv), float64(c.DTRank)
	return 6*(3*d*e+e*(r+2*n)+r*e+e*k) + scanTrainFlops*e*n
}

// gradientError says that a device's gradients are not the twins'.
type gradientError struct {
	name, tensor  string
	diff, allowed float64
}

func (e *gradientError) Error() string {
	return fmt.Sprintf("bench: %s: %s differs from the twins' by %.3g, allowed %.3g", e.name, e.tensor, e.diff, e.allowed)
}

// compareTensors requires values within accumulated of each tensor's largest.
func compareTensors(name string, got, want map[string][]float32) error {
	for tensor, w := range want {
		var largest, diff float64
		for i, v := range w {
			largest = math.Max(largest, math.Abs(float64(v)))
			if d := math.Abs(float64(v) - float64(got[tensor][i])); !(d <= diff) {
				diff = d
			}
		}
		if allowed := accumulated*largest + 1e-7; !(diff <= allowed) {
			return &gradientError{name, tensor, diff, allowed}
		}
	}
	return nil
}
