package bench

import (
	"errors"
	"time"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Tuned is what [Tune] found out.
type Tuned struct {
	Choices []Choice
	Tuning  shaders.Tuning // of the choices that are no default
	Known   int            // shapes that were passed over
}

// Choice is a kernel at a shape and the variants that were measured there.
type Choice struct {
	Kernel, Shape string
	Names         []string      // of all variants that there are
	Variants      []VariantTime // the default first; of all Names, unless nothing was measured
	Best          int           // index of the variant to use: 0 unless another is faster beyond the spread
	Skipped       string        // why nothing was measured
	Took          time.Duration
}

// Key names the kernel and the shape as a [shaders.Tuning] does.
func (c *Choice) Key() string { return c.Kernel + " " + c.Shape }

// Chosen is the variant to use where that is not the default, else empty.
func (c *Choice) Chosen() string {
	if c.Best == 0 {
		return ""
	}
	return c.Variants[c.Best].Name
}

// VariantTime is a variant's time, or why it has none.
type VariantTime struct {
	Name string
	Summary
	Final bool   // came into the last heat: others have few samples in Summary
	Error string // its result is wrong, it does not compile, or the device has no room for it
	Wrong bool   // it is the first of these
}

// add takes down a choice.
func (t *Tuned) add(c Choice) {
	t.Choices = append(t.Choices, c)
	if name := c.Chosen(); name != "" {
		t.Tuning[c.Key()] = name
	}
}

// judge notes an error that belongs to the variant and returns any other.
func (v *VariantTime) judge(err error) error {
	var wrong *cases.MismatchError
	var shader *wgpu.ShaderError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		v.Wrong = true
	case errors.As(err, &shader), noRoom(err):
	default:
		return err
	}
	v.Error = err.Error()
	return nil
}

// leastGain is what a variant has to be faster by to be taken: for less the default stays,
// which more people have run.
const leastGain = 0.01

// best is the fastest of the finalists, if it beats the default, which is the first
// variant, beyond the spread of both, or if the default does not run; otherwise it is the
// default.
func best(list []VariantTime) int {
	at := fastestFinalist(list)
	if list[0].Error == "" && !(list[at].P90 < list[0].P10 && list[at].Median*(1+leastGain) < list[0].Median) {
		return 0
	}
	return at
}

// fastestFinalist is the index of the fastest of those in the last heat, or 0.
func fastestFinalist(list []VariantTime) int {
	at := -1
	for i, v := range list {
		if v.Final && (at < 0 || v.Median < list[at].Median) {
			at = i
		}
	}
	return max(at, 0)
}
