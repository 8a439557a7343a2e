package train

import (
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// layerOperations are operations, and those that the input-modulated layer alone
// needs. All machines' operations have them.
type layerOperations[A any] interface {
	operations[A]
	layerNorm(p shaders.LayerNormParams, x, weight, bias, y A)
	layerNormBackward(p shaders.LayerNormBackwardParams, x, weight, dy, dx, dweight, dbias A)
	discretize(p shaders.DiscretizeParams, s, a, cells A)
	discretizeBackward(p shaders.DiscretizeParams, s, a, dcells, ds, da A)
	modulatedScan(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, y A)
	// modulatedScanBackward replaces dy by the gradient of u.
	modulatedScanBackward(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, dy, dcells, ds, dweights A)
}

func (hostOperations) layerNorm(p shaders.LayerNormParams, x, weight, bias, y hostArray) {
	cpu.LayerNorm(p, x.f32, weight.f32, bias.f32, y.f32)
}

func (hostOperations) layerNormBackward(p shaders.LayerNormBackwardParams, x, weight, dy, dx, dweight, dbias hostArray) {
	cpu.LayerNormBackward(p, x.f32, weight.f32, dy.f32, dx.f32, dweight.f32, dbias.f32)
}

func (hostOperations) discretize(p shaders.DiscretizeParams, s, a, cells hostArray) {
	cpu.Discretize(p, s.f32, a.f32, cells.f32)
}

func (hostOperations) discretizeBackward(p shaders.DiscretizeParams, s, a, dcells, ds, da hostArray) {
	cpu.DiscretizeBackward(p, s.f32, a.f32, dcells.f32, ds.f32, da.f32)
}

func (hostOperations) modulatedScan(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, y hostArray) {
	cpu.ModulatedScan(p, u.f32, cells.f32, s.f32, weights.f32, slots.u32, state.f32, y.f32)
}

func (hostOperations) modulatedScanBackward(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, dy, dcells, ds, dweights hostArray) {
	cpu.ModulatedScanBackward(p, u.f32, cells.f32, s.f32, weights.f32, slots.u32, state.f32,
		dy.f32, dcells.f32, ds.f32, dweights.f32, nil)
}

func (r *recorder) layerNorm(p shaders.LayerNormParams, x, weight, bias, y *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.LayerNorm(p, x, weight, bias, y) })
}

func (r *recorder) layerNormBackward(p shaders.LayerNormBackwardParams, x, weight, dy, dx, dweight, dbias *wgpu.Buffer) {
	words := r.machine.kernels.LayerNormBackwardScratch(p)
	r.addAll(2*p.Rows*p.Width, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.LayerNormBackward(p, x, weight, dy, dx, scratch, dweight, dbias)
	})
}

func (r *recorder) discretize(p shaders.DiscretizeParams, s, a, cells *wgpu.Buffer) {
	r.add(p.Rows*p.States, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.Discretize(p, s, a, cells) })
}

func (r *recorder) discretizeBackward(p shaders.DiscretizeParams, s, a, dcells, ds, da *wgpu.Buffer) {
	words := r.machine.kernels.DiscretizeBackwardScratch(p)
	r.addAll(4*p.Rows*p.States, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.DiscretizeBackward(p, s, a, dcells, ds, da, scratch)
	})
}

func (r *recorder) modulatedScan(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, y *wgpu.Buffer) {
	r.add(2*p.Batch*p.Length*p.Channels*p.States, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.ModulatedScan(p, u, cells, s, weights, slots, state, y)
	})
}

func (r *recorder) modulatedScanBackward(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, dy, dcells, ds, dweights *wgpu.Buffer) {
	words := r.machine.kernels.ModulatedScanBackwardScratch(p)
	r.addAll(10*p.Batch*p.Length*p.Channels*p.States, words, func(k *shaders.Kernels, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.ModulatedScanBackward(p, u, cells, s, weights, slots, state, dy, dcells, ds, dweights, nil, scratch)
	})
}
