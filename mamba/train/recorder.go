package train

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// recorder is the operations of a plan: each prepares dispatches. While it measures
// it only finds out how much scratch they need.
type recorder struct {
	machine   *gpuMachine
	measuring bool
	scratch   int // words, the most that one kernel needs
	passes    []*wgpu.Pass
	shapes    [][]string // of each pass's dispatches
	shape     string     // of the operation that is recorded
	work      float64    // multiply-adds in the last pass
	err       error
}

// passWork is the number of multiply-adds after which a new pass begins. A slow
// integrated GPU does about 1e11 a second, a discrete one ten times as many at least.
func (r *recorder) passWork() float64 {
	if r.machine.dev.Info().Kind == wgpu.Discrete {
		return 2e11
	}
	return 2e10
}

// pass is the pass that takes so much more work.
func (r *recorder) pass(work float64) *wgpu.Pass {
	if len(r.passes) == 0 || r.work > 0 && r.work+work > r.passWork() {
		r.passes = append(r.passes, r.machine.dev.NewPass("mamba.train"))
		r.shapes = append(r.shapes, nil)
		r.work = 0
	}
	r.work += work
	return r.passes[len(r.passes)-1]
}

// add appends a dispatch unless something failed before.
func (r *recorder) add(work int, run func(k *shaders.Kernels) (*wgpu.Dispatch, error)) {
	r.addAll(work, 0, func(k *shaders.Kernels, _ *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		d, err := run(k)
		return []*wgpu.Dispatch{d}, err
	})
}

// addAll is add of several dispatches that do some work together, with words of
// scratch.
func (r *recorder) addAll(work, words int, run func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error)) {
	r.scratch = max(r.scratch, words)
	if r.measuring || r.err != nil {
		return
	}
	runs, err := run(r.machine.kernels, r.machine.scratch)
	if err != nil {
		r.err = err
		return
	}
	r.pass(float64(work)).Dispatch(runs...)
	for range runs {
		last := &r.shapes[len(r.shapes)-1]
		*last = append(*last, r.shape)
	}
	r.shape = ""
}

func (r *recorder) stride(cols int) int { return r.machine.stride(cols) }

func (r *recorder) clear(x *wgpu.Buffer) {
	if !r.measuring {
		r.pass(0).Clear(x, 0, x.Size())
	}
}

func (r *recorder) copy(dst *wgpu.Buffer, dstFirst int, src *wgpu.Buffer, srcFirst, words int) {
	if !r.measuring {
		r.pass(0).Copy(dst, 4*uint64(dstFirst), src, 4*uint64(srcFirst), 4*uint64(words))
	}
}

func (r *recorder) embedding(p shaders.EmbeddingParams, ids, table, out *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.Embedding(p, ids, table, out) })
}

func (r *recorder) embeddingBackward(p shaders.EmbeddingBackwardParams, places, dx, dtable *wgpu.Buffer) {
	words := r.machine.kernels.EmbeddingBackwardScratch(p)
	r.addAll(p.Tokens*p.Width, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.EmbeddingBackward(p, places, dx, scratch, dtable)
	})
}

func (r *recorder) rmsNorm(p shaders.RMSNormParams, x, weight, y *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.RMSNorm(p, x, weight, y) })
}

func (r *recorder) rmsNormBackward(p shaders.RMSNormBackwardParams, x, weight, dy, dx, dweight *wgpu.Buffer) {
	words := r.machine.kernels.RMSNormBackwardScratch(p)
	r.addAll(2*p.Rows*p.Width, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.RMSNormBackward(p, x, weight, dy, dx, scratch, dweight)
	})
}

func (r *recorder) matmul(p shaders.MatmulParams, a, w, bias, c *wgpu.Buffer) {
	r.shape = fmt.Sprintf("%dx%dx%d", p.M, p.N, p.K)
	words := r.machine.kernels.MatmulScratch(p)
	if words > r.machine.maxWords() {
		r.add(p.M*p.N*p.K, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.Matmul(p, a, w, bias, c) })
		return
	}
	r.addAll(p.M*p.N*p.K, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.MatmulSplit(p, a, w, bias, scratch, c)
	})
}

func (r *recorder) columnSums(p shaders.ColumnSumsParams, x, sums *wgpu.Buffer) {
	words := r.machine.kernels.ColumnSumsScratch(p)
	r.addAll(p.Rows*p.Columns, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.ColumnSums(p, x, scratch, sums)
	})
}

func (r *recorder) causalConv(p shaders.CausalConvParams, x, weights, slots, state, y *wgpu.Buffer) {
	r.add(p.Batch*p.Length*p.Channels*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.CausalConv(p, x, weights, slots, state, y)
	})
}

func (r *recorder) causalConvBackward(p shaders.CausalConvParams, x, weights, dy, dx, dweights *wgpu.Buffer) {
	words := r.machine.kernels.CausalConvBackwardScratch(p)
	r.addAll(3*p.Batch*p.Length*p.Channels*p.Width, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.CausalConvBackward(p, x, weights, dy, dx, scratch, dweights)
	})
}

func (r *recorder) logDecays(p shaders.LogDecaysParams, log, out *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.LogDecays(p, log, out) })
}

func (r *recorder) logDecaysBackward(p shaders.LogDecaysParams, weights, dweights, dlog *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.LogDecaysBackward(p, weights, dweights, dlog)
	})
}

func (r *recorder) selectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) {
	work := p.Batch * p.Length * p.Channels * p.States
	r.addAll(work, 0, func(k *shaders.Kernels, _ *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.SelectiveScanChunked(p, u, delta, bc, z, weights, slots, state, y)
	})
}

func (r *recorder) selectiveScanBackward(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, dy, dbc, dz, dweights *wgpu.Buffer) {
	work := 5 * p.Batch * p.Length * p.Channels * p.States
	words := r.machine.kernels.SelectiveScanBackwardScratch(p)
	r.addAll(work, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.SelectiveScanBackward(p, u, delta, bc, z, weights, slots, state, dy, dbc, dz, dweights, nil, scratch)
	})
}

func (r *recorder) crossEntropy(p shaders.CrossEntropyParams, logits, targets, losses *wgpu.Buffer) {
	r.add(2*p.Rows*p.Vocab, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.CrossEntropy(p, logits, targets, losses)
	})
}

func (r *recorder) squareSums(p shaders.SquareSumsParams, runs, x, sums *wgpu.Buffer) {
	r.add(p.Elements, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.SquareSums(p, runs, x, sums) })
}

func (r *recorder) clipScale(p shaders.ClipScaleParams, sums, control *wgpu.Buffer) {
	r.add(p.Parts, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.ClipScale(p, sums, control) })
}

func (r *recorder) adamW(p shaders.AdamWParams, runs, gradient, control, parameter, m, v *wgpu.Buffer) {
	r.add(10*p.Elements, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.AdamW(p, runs, gradient, control, parameter, m, v)
	})
}
