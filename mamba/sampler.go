package mamba

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// choice is how the options have tokens chosen: logits are penalised (arXiv
// 1909.05858, section 4.1), divided by the temperature, cut to the top k, to the
// smallest set of probability top p (arXiv 1904.09751) and to those of at least min
// p times the largest probability (arXiv 2407.01082), in this order, and drawn from.
// Greedily, the largest is taken, whatever the other options.
func (o *GenerateOptions) choice(width int) choice {
	drawn := o.Temperature != 0
	return choice{
		width: width, drawn: drawn, cut: drawn && (o.TopK > 0 || o.TopP > 0 && o.TopP < 1),
		penalty: o.RepetitionPenalty != 0 && o.RepetitionPenalty != 1,
	}
}

// draw is how the token at a place of the sequence is chosen. What a float32 cannot
// hold is as good as the nearest that it can.
func (o *GenerateOptions) draw(place int) shaders.Draw {
	d := shaders.Draw{
		Place: uint32(place), Seed: o.Seed, TopK: uint32(min(uint64(o.TopK), math.MaxUint32)), TopP: 1, Reach: shaders.MaxReach,
		Steepness: single(2 / o.Temperature), Raise: single(o.RepetitionPenalty), Lower: single(1 / o.RepetitionPenalty),
	}
	if o.TopP > 0 {
		d.TopP = max(single(o.TopP), minNormal)
	}
	if o.MinP > 0 {
		d.Reach = min(single(-math.Log(o.MinP)), shaders.MaxReach)
	}
	return d
}

// minNormal is the least float32 that no device takes for zero.
const minNormal = 0x1p-126

// single is a positive number within the range of float32.
func single(v float64) float32 { return float32(min(v, math.MaxFloat32)) }
