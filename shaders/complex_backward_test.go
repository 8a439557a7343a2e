package shaders_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TestComplexBackwardSameBits runs the kernels twice.
func TestComplexBackwardSameBits(t *testing.T) {
	k := open(t, nil)
	for _, kernel := range []string{"selective_scan_complex_backward", "modulated_scan_backward", "discretize_backward"} {
		for _, c := range cases.Of(kernel)[:8] {
			first, err := c.RunGPU(k)
			require.NoError(t, err)
			second, err := c.RunGPU(k)
			require.NoError(t, err)
			for i, a := range first {
				if a.Out {
					assert.Equal(t, a.F32, second[i].F32, "%s: %s", c, a.Name)
				}
			}
		}
	}
}

// TestComplexBackwardShapeErrors gives the kernels what does not fit.
func TestComplexBackwardShapeErrors(t *testing.T) {
	k := open(t, nil)
	buffer := func(words int) *wgpu.Buffer {
		b, err := k.Device().NewBuffer("b", 4*uint64(words))
		require.NoError(t, err)
		t.Cleanup(func() { b.Close() })
		return b
	}
	b, large := buffer(16), buffer(100_000)
	scan := func(edit func(p *shaders.ComplexScanParams, a map[string]*wgpu.Buffer)) error {
		p := shaders.ComplexScanParams{Batch: 1, Length: 4, Channels: 4, States: 1, BCStride: 4, OffC: 2, ZStride: 4, HasZ: true, HasD: true}
		a := map[string]*wgpu.Buffer{"scratch": large}
		for _, name := range []string{"u", "delta", "bc", "z", "weights", "slots", "state", "dy", "dbc", "dz", "dweights", "dstate"} {
			a[name] = buffer(16)
		}
		edit(&p, a)
		_, err := k.SelectiveScanComplexBackward(p, a["u"], a["delta"], a["bc"], a["z"], a["weights"], a["slots"], a["state"],
			a["dy"], a["dbc"], a["dz"], a["dweights"], a["dstate"], a["scratch"])
		return err
	}
	modulated := func(edit func(p *shaders.ModulatedScanParams, a map[string]*wgpu.Buffer)) error {
		p := shaders.ModulatedScanParams{Batch: 1, Length: 4, Channels: 2, States: 1, Stride: 4, OffC: 2}
		a := map[string]*wgpu.Buffer{"scratch": large}
		for _, name := range []string{"u", "cells", "s", "weights", "slots", "state", "dy", "dcells", "ds", "dweights", "dstate"} {
			a[name] = buffer(16)
		}
		edit(&p, a)
		_, err := k.ModulatedScanBackward(p, a["u"], a["cells"], a["s"], a["weights"], a["slots"], a["state"],
			a["dy"], a["dcells"], a["ds"], a["dweights"], a["dstate"], a["scratch"])
		return err
	}
	hold := func(p shaders.DiscretizeParams, s, a, dcells, ds, da, scratch *wgpu.Buffer) error {
		_, err := k.DiscretizeBackward(p, s, a, dcells, ds, da, scratch)
		return err
	}
	holds := shaders.DiscretizeParams{Rows: 4, States: 1, Stride: 4}
	last := func(_ *wgpu.Dispatch, err error) error { return err }
	type check struct {
		arg string
		err error
	}
	list := []check{
		{"Packed", scan(func(p *shaders.ComplexScanParams, _ map[string]*wgpu.Buffer) {
			p.Packing = shaders.Packing{Packed: true, Rows: 4}
		})},
		{"Modulated", scan(func(p *shaders.ComplexScanParams, _ map[string]*wgpu.Buffer) { p.Modulated = true })},
		{"States", scan(func(p *shaders.ComplexScanParams, _ map[string]*wgpu.Buffer) { p.States = 257 })},
		{"u", scan(func(p *shaders.ComplexScanParams, _ map[string]*wgpu.Buffer) { p.Length = 5 })},
		{"Packed", modulated(func(p *shaders.ModulatedScanParams, _ map[string]*wgpu.Buffer) {
			p.Packing = shaders.Packing{Packed: true, Rows: 4}
		})},
		{"OffB", modulated(func(p *shaders.ModulatedScanParams, _ map[string]*wgpu.Buffer) { p.OffB = 3 })},
		{"States", hold(shaders.DiscretizeParams{Rows: 4, Stride: 4}, b, b, b, b, b, b)},
		{"s", hold(holds, nil, b, b, b, b, b)},
		{"a", hold(holds, b, nil, b, b, b, b)},
		{"dcells", hold(holds, b, b, nil, b, b, b)},
		{"ds", hold(holds, b, b, b, nil, b, b)},
		{"da", hold(holds, b, b, b, b, nil, b)},
		{"scratch", hold(holds, b, b, b, b, b, nil)},
		{"Batch", last(k.GatherStates(shaders.GatherStatesParams{Width: 1}, b, b, b))},
		{"slots", last(k.GatherStates(shaders.GatherStatesParams{Batch: 17, Width: 1}, b, b, large))},
		{"state", last(k.GatherStates(shaders.GatherStatesParams{Batch: 1, Width: 17}, b, b, large))},
		{"out", last(k.GatherStates(shaders.GatherStatesParams{Batch: 2, Width: 16}, b, b, b))},
		{"PartStride", last(k.PartColumns(shaders.PartColumnsParams{Parts: 1, Rows: 1, Width: 2, PartStride: 1, Stride: 2}, b, b))},
		{"OffOut", last(k.PartColumns(shaders.PartColumnsParams{Parts: 1, Rows: 1, Width: 2, PartStride: 2, Stride: 2, OffOut: 1}, b, b))},
		{"parts", last(k.PartColumns(shaders.PartColumnsParams{Parts: 9, Rows: 1, Width: 2, PartStride: 2, Stride: 2}, b, b))},
		{"out", last(k.PartColumns(shaders.PartColumnsParams{Parts: 1, Rows: 9, Width: 2, PartStride: 2, Stride: 2}, large, b))},
	}
	for _, name := range []string{"u", "delta", "bc", "z", "weights", "slots", "state", "dy", "dbc", "dz", "dweights", "scratch"} {
		list = append(list, check{name, scan(func(_ *shaders.ComplexScanParams, a map[string]*wgpu.Buffer) { a[name] = nil })})
	}
	for _, name := range []string{"u", "cells", "s", "weights", "slots", "state", "dy", "dcells", "ds", "dweights", "scratch"} {
		list = append(list, check{name, modulated(func(_ *shaders.ModulatedScanParams, a map[string]*wgpu.Buffer) { a[name] = nil })})
	}
	for _, c := range list {
		var shape *shaders.ShapeError
		require.ErrorAs(t, c.err, &shape, c.arg)
		assert.Equal(t, c.arg, shape.Arg, c.err)
		assert.Contains(t, shaders.Names(), shape.Kernel)
	}
	require.NoError(t, scan(func(p *shaders.ComplexScanParams, a map[string]*wgpu.Buffer) {
		p.Fresh, p.HasZ = true, false
		a["slots"], a["state"], a["z"], a["dz"], a["dstate"] = nil, nil, nil, nil, nil
	}))
}
