package bench

import (
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// tuneModel is the part of an architecture that kernels' shapes depend on.
type tuneModel struct{ d, e, n, k, r, vocabulary int }

// tuneModels is the models whose shapes are measured.
func (o *Options) tuneModels() ([]tuneModel, error) {
	if o.Model != "" {
		s, err := folderModel(o.Model)
		c := s.config
		return []tuneModel{{c.DModel, c.DInner, c.DState, c.DConv, c.DTRank, c.VocabSize}}, err
	}
	var out []tuneModel
	for _, s := range modelSizes {
		if len(o.Sizes) == 0 || slices.Contains(o.Sizes, s.name) {
			c := s.config()
			out = append(out, tuneModel{c.DModel, c.DInner, c.DState, c.DConv, c.DTRank, c.VocabSize})
		}
	}
	return out, nil
}

// Numbers of tokens that kernels are tuned for: chunks of a prompt, a short prompt and
// decoding of many sequences, and a step of training; and numbers of sequences.
var (
	tuneRows    = []int{16384, 2048, 256, 64}
	trainRows   = []int{32768, 8192, 2048}
	tuneBatches = []int{1, 8}
)

// trainLength is the length of a sequence in training.
const trainLength = 512

// tuneCases is the kernels of the models, in a hurry a few of them, and what training has
// besides where Only asks for it. A shape may be there more than once.
func (o *Options) tuneCases(models []tuneModel) []kernelCase {
	var out []kernelCase
	for _, m := range models {
		out = append(out, m.cases(o.Quick)...)
		if slices.Contains(o.Only, trainName) {
			out = append(out, m.trainCases(o.Quick)...)
		}
	}
	return out
}

// cases is the kernels of a model in use.
func (m tuneModel) cases(quick bool) (out []kernelCase) {
	lengths, types := tuneRows, []shaders.DType{shaders.F32, shaders.F16, shaders.Q8, shaders.Q4}
	if quick {
		lengths, types = []int{256}, types[:2]
	}
	for _, rows := range lengths {
		for _, t := range types {
			out = append(out, product(rows, 2*m.e, m.d, t), product(rows, m.r+2*m.n, m.e, t), product(rows, m.d, m.e, t))
		}
		for _, batch := range tuneBatches {
			if rows > 64 {
				out = append(out, scan(batch, rows/batch, m.e, m.n))
			}
		}
	}
	return out
}

// trainCases is the products and the scan of a step of training, all named as training is.
func (m tuneModel) trainCases(quick bool) (out []kernelCase) {
	lengths := trainRows
	if quick {
		lengths = []int{1024}
	}
	for _, rows := range lengths {
		for _, linear := range []struct{ in, out int }{{m.d, 2 * m.e}, {m.e, m.r + 2*m.n}, {m.r, m.e}, {m.e, m.d}} {
			out = append(out, product(rows, linear.out, linear.in, shaders.F32),
				inputGradient(rows, linear.in, linear.out), weightGradient(rows, linear.in, linear.out))
		}
		out = append(out, scan(rows/trainLength, trainLength, m.e, m.n))
	}
	for i := range out {
		out[i].name = trainName
	}
	return out
}
