package bench

import (
	"errors"
	"io"
	"math"

	"gonum.org/v1/plot/vg/draw"
)

// LossCurve is the course of a training. Losses are nats a token.
type LossCurve struct {
	Title      string
	Steps      []int
	Losses     []float64 // of the training, a step's
	ValidSteps []int
	Valids     []float64 // on a validation text
}

// Write draws the curve: each step's loss, their moving mean, and the validation's
// points.
func (c *LossCurve) Write(w io.Writer, format string) error {
	if len(c.Steps) == 0 {
		return errors.New("bench: no steps to draw")
	}
	steps := &curve{name: "training, a step", color: sky, thin: true}
	mean := &curve{name: "training, mean", color: blue}
	valid := &curve{name: "validation", color: vermilion, glyph: draw.CircleGlyph{}}
	smooth := meanOver(c.Losses, len(c.Losses)/50)
	for i, s := range c.Steps {
		steps.add(float64(s), c.Losses[i])
		mean.add(float64(s), smooth[i])
	}
	for i, s := range c.ValidSteps {
		valid.add(float64(s), c.Valids[i])
	}
	return writePanels(w, format, panel{title: c.Title, x: "step", y: "loss (nats a token)", linear: true,
		curves: []*curve{steps, mean, valid}})
}

// meanOver is the mean of each value and those that lie at most reach before or
// behind it.
func meanOver(values []float64, reach int) []float64 {
	out := make([]float64, len(values))
	for i := range values {
		part := values[max(0, i-reach):min(len(values), i+reach+1)]
		for _, v := range part {
			out[i] += v / float64(len(part))
		}
	}
	return out
}

// between is the range of all the curves' values with a little room on both sides.
func between(curves []*curve, values func(*curve) []float64) (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, v := range values(c) {
			least, most = min(least, v), max(most, v)
		}
	}
	room := 0.04 * (most - least)
	if room == 0 {
		room = 1
	}
	return least - room, most + room
}
