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

// Numbers of tokens that kernels are tuned for, a chunk of a prompt, a short prompt
// and decoding of many sequences; and numbers of sequences.
var (
	tuneRows    = []int{16384, 2048, 256, 64}
	tuneBatches = []int{1, 8}
)

// tuneCases is the kernels of the models, each shape once; in a hurry a few of them.
func (o *Options) tuneCases(models []tuneModel) []kernelCase {
	lengths, types := tuneRows, []shaders.DType{shaders.F32, shaders.F16, shaders.Q8, shaders.Q4}
	if o.Quick {
		lengths, types = []int{256}, types[:2]
	}
	var out []kernelCase
	seen := map[string]bool{}
	add := func(c kernelCase) {
		if key := c.name + " " + c.shape; !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	for _, m := range models {
		for _, rows := range lengths {
			for _, t := range types {
				add(product(rows, 2*m.e, m.d, t))
				add(product(rows, m.r+2*m.n, m.e, t))
				add(product(rows, m.d, m.e, t))
			}
			for _, batch := range tuneBatches {
				if rows > 64 {
					add(scan(batch, rows/batch, m.e, m.n))
				}
			}
		}
	}
	return out
}
