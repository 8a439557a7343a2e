package train

import (
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// TokenWords is the number of 32-bit words that training holds for each token of a
// micro-batch on a GPU, with the layers that recompute tells of recomputed. With n layers
// of which k are not, and k+1 sets of what a layer keeps if one is:
//
//	(n+1) d            every layer's input, and the last one's output
//	sets (4E + R + 2N) in_proj's u and z, the convolved u, x_proj, the scan's y;
//	                   2E in place of 4E with activations of F16
//	2d + 4E + R + 2N   gradients, of one layer at a time
//	1                  the loss
//
// So memory is O(B L d) for each layer and does not grow with d_state times d_inner.
// The kernels' own scratch, ids and states come on top and are small beside it; so do
// logits, by Options.LogitBytes, which do not grow with the batch.
func TokenWords(c mamba.ModelConfig, recompute func(layer int) bool, activations checkpoint.DType) int {
	n := network[struct{}]{config: c, blocks: make([]block[struct{}], c.NLayer), halves: activations == checkpoint.F16}
	for i := range n.blocks {
		n.blocks[i].recompute = recompute != nil && recompute(i)
	}
	n.layOut()
	return n.wordsPerToken()
}

// BytesPerToken is the memory that a token of a micro-batch takes: see [TokenWords].
func (t *Trainer) BytesPerToken() int {
	return 4 * TokenWords(t.config, t.opts.Recompute, t.opts.Activations)
}
