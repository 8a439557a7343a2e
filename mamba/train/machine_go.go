package train

import (
	"math"
	"runtime"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// hostArray is an array of the Go machine: numbers or integers.
type hostArray struct {
	f32 []float32
	u32 []uint32
}

// goMachine runs the kernels' twins, on all processors.
type goMachine struct{ words int }

func (*goMachine) info() wgpu.AdapterInfo {
	return wgpu.AdapterInfo{Name: mamba.GoAdapter, Vendor: "mambagpu", Backend: "Go", Kind: wgpu.CPU, Driver: runtime.Version()}
}

func (*goMachine) maxWords() int { return math.MaxInt32 }

// batchWords keeps activations small: more at a time is not faster.
func (*goMachine) batchWords() int { return 1 << 24 }

func (g *goMachine) newArray(_ string, words int) (hostArray, error) {
	g.words += words
	return hostArray{f32: make([]float32, words)}, nil
}

func (g *goMachine) newWords(_ string, words int) (hostArray, error) {
	g.words += words
	return hostArray{u32: make([]uint32, words)}, nil
}

func (g *goMachine) release(x hostArray) { g.words -= len(x.f32) + len(x.u32) }

func (*goMachine) slice(_ string, x hostArray, first, words int) (hostArray, error) {
	return hostArray{f32: x.f32[first : first+words : first+words]}, nil
}

func (*goMachine) alignment() int { return 1 }

func (*goMachine) write(x hostArray, first int, v []float32) error {
	copy(x.f32[first:], v)
	return nil
}

func (*goMachine) writeWords(x hostArray, v []uint32) error {
	copy(x.u32, v)
	return nil
}

func (*goMachine) read(x hostArray, first int, v []float32) error {
	copy(v, x.f32[first:])
	return nil
}

func (*goMachine) readLater(_ int, x hostArray, words int) (func() ([]float32, error), error) {
	v := append([]float32(nil), x.f32[:words]...)
	return func() ([]float32, error) { return v, nil }, nil
}

func (*goMachine) stride(cols int) int { return cols }

func (*goMachine) run(_ plan, record func(operations[hostArray])) error {
	record(hostOperations{})
	return nil
}

func (*goMachine) reserve(func(operations[hostArray])) error { return nil }
func (*goMachine) forget()                                   {}
func (*goMachine) timed() error                              { return wgpu.ErrNoTimestamps }
func (*goMachine) timings() []KernelTime                     { return nil }
func (g *goMachine) memoryInUse() uint64                     { return 4 * uint64(g.words) }
func (*goMachine) close() error                              { return nil }

// hostOperations runs the twins at once.
type hostOperations struct{}

func (hostOperations) stride(cols int) int { return cols }

func (hostOperations) clear(x hostArray) { clear(x.f32) }

func (hostOperations) copy(dst hostArray, dstFirst int, src hostArray, srcFirst, words int) {
	copy(dst.f32[dstFirst:dstFirst+words], src.f32[srcFirst:])
}

func (hostOperations) embedding(p shaders.EmbeddingParams, ids, table, out hostArray) {
	cpu.Embedding(p, ids.u32, table.f32, out.f32)
}

func (hostOperations) embeddingBackward(p shaders.EmbeddingBackwardParams, places, dx, dtable hostArray) {
	cpu.EmbeddingBackward(p, places.u32, dx.f32, dtable.f32)
}

func (hostOperations) rmsNorm(p shaders.RMSNormParams, x, weight, y hostArray) {
	cpu.RMSNorm(p, x.f32, weight.f32, y.f32)
}

func (hostOperations) rmsNormBackward(p shaders.RMSNormBackwardParams, x, weight, dy, dx, dweight hostArray) {
	cpu.RMSNormBackward(p, x.f32, weight.f32, dy.f32, dx.f32, dweight.f32)
}

func (hostOperations) matmul(p shaders.MatmulParams, a, w, bias, c hostArray) {
	cpu.Matmul(p, a.f32, w.f32, bias.f32, c.f32)
}

func (hostOperations) columnSums(p shaders.ColumnSumsParams, x, sums hostArray) {
	cpu.ColumnSums(p, x.f32, sums.f32)
}

func (hostOperations) causalConv(p shaders.CausalConvParams, x, weights, slots, state, y hostArray) {
	cpu.CausalConv(p, x.f32, weights.f32, slots.u32, state.f32, y.f32)
}

func (hostOperations) causalConvBackward(p shaders.CausalConvParams, x, weights, dy, dx, dweights hostArray) {
	cpu.CausalConvBackward(p, x.f32, weights.f32, dy.f32, dx.f32, dweights.f32)
}

func (hostOperations) logDecays(p shaders.LogDecaysParams, log, out hostArray) {
	cpu.LogDecays(p, log.f32, out.f32)
}

func (hostOperations) logDecaysBackward(p shaders.LogDecaysParams, weights, dweights, dlog hostArray) {
	cpu.LogDecaysBackward(p, weights.f32, dweights.f32, dlog.f32)
}

func (hostOperations) selectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y hostArray) {
	cpu.SelectiveScan(p, u.f32, delta.f32, bc.f32, z.f32, weights.f32, slots.u32, state.f32, y.f32)
}

func (hostOperations) selectiveScanBackward(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, dy, dbc, dz, dweights hostArray) {
	cpu.SelectiveScanBackward(p, u.f32, delta.f32, bc.f32, z.f32, weights.f32, slots.u32, state.f32,
		dy.f32, dbc.f32, dz.f32, dweights.f32, nil)
}

func (hostOperations) crossEntropy(p shaders.CrossEntropyParams, logits, targets, losses hostArray) {
	cpu.CrossEntropy(p, logits.f32, targets.u32, losses.f32)
}

func (hostOperations) squareSums(p shaders.SquareSumsParams, runs, x, sums hostArray) {
	cpu.SquareSums(p, runs.u32, x.f32, sums.f32)
}

func (hostOperations) clipScale(p shaders.ClipScaleParams, sums, control hostArray) {
	cpu.ClipScale(p, sums.f32, control.f32)
}

func (hostOperations) adamW(p shaders.AdamWParams, runs, gradient, control, parameter, m, v hostArray) {
	cpu.AdamW(p, runs.u32, gradient.f32, control.f32, parameter.f32, m.f32, v.f32)
}
