package opsfile_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// addConvGradients adds dy of a convolution with silu and a bias, and the gradients: those
// of the sum s that silu is taken of, given to what s was made of.
func (f tensors) addConvGradients(rng *rand.Rand, name string, batch, channels, length, width int) {
	f.addConv(rng, name, batch, channels, length, width, true, true)
	x, w, bias := f[name+".x"].values, f[name+".weight"].values, f[name+".bias"].values
	dy := f.put(rng, name+".dy", -1, 1, batch, channels, length)
	dx, dw, dbias := make([]float64, len(x)), make([]float64, len(w)), make([]float64, len(bias))
	for i, d := range dy { // (B, D, L)
		t, e := i%length, i/length%channels
		s := float64(bias[e])
		for back := range min(width, t+1) {
			s += float64(w[e*width+width-1-back]) * float64(x[i-back])
		}
		q := 1 / (1 + math.Exp(-s))
		ds := float64(d) * (q + s*q*(1-q))
		dbias[e] += ds
		for back := range min(width, t+1) {
			k := e*width + width - 1 - back
			dx[i-back] += float64(w[k]) * ds
			dw[k] += float64(x[i-back]) * ds
		}
	}
	for _, g := range []struct {
		member string
		values []float64
		shape  []int
	}{
		{"x", dx, []int{batch, channels, length}}, {"weight", dw, []int{channels, width}}, {"bias", dbias, []int{channels}},
	} {
		values := make([]float32, len(g.values))
		for i, v := range g.values {
			values[i] = float32(v)
		}
		f[name+".grad."+g.member] = tensor{shape: g.shape, values: values}
	}
}

// TestConvGradients checks that gradients are looked at: right ones pass, and a wrong
// one does not.
func TestConvGradients(t *testing.T) {
	open := func(edit func(f tensors)) tensors {
		f := tensors{}
		f.addConvGradients(rand.New(rand.NewPCG(3, 4)), "conv.0", 2, 3, 9, 4)
		edit(f)
		return f
	}
	file, err := open(func(tensors) {}).open(t, nil)
	require.NoError(t, err)
	assert.Empty(t, file.Cases[0].Unchecked)
	passes(t, file, 1e-5, nil)

	for _, member := range []string{"x", "weight", "bias"} {
		file, err := open(func(f tensors) { f["conv.0.grad."+member].values[1] += 1e-2 }).open(t, nil)
		require.NoError(t, err)
		for _, r := range runners(t) {
			outputs, err := r.run(file.Cases[0])
			require.NoError(t, err)
			require.Len(t, outputs, 4)
			for _, out := range outputs {
				assert.Equal(t, out.Tensor != "grad."+member, out.Compare().Pass, "%s: %s", r.name, out.Tensor)
			}
		}
	}
}

func TestConvGradientErrors(t *testing.T) {
	for _, c := range []struct {
		edit   func(f tensors)
		tensor string
	}{
		{func(f tensors) { f["conv.0.dy"] = tensor{shape: []int{2, 3, 8}, values: make([]float32, 48)} }, "conv.0.dy"},
		{func(f tensors) { f["conv.0.grad.weight"] = tensor{shape: []int{4, 3}, values: make([]float32, 12)} }, "conv.0.grad.weight"},
		{func(f tensors) { delete(f, "conv.0.bias") }, "conv.0.grad.bias"},
		{func(f tensors) { f["conv.0.grad.wieght"] = f["conv.0.grad.weight"] }, "conv.0.grad.wieght"},
	} {
		f := tensors{}
		f.addConvGradients(rand.New(rand.NewPCG(3, 4)), "conv.0", 2, 3, 9, 4)
		c.edit(f)
		_, err := f.open(t, nil)
		e, ok := errors.AsType[*checkpoint.FormatError](err)
		if assert.True(t, ok, "%s: %v", c.tensor, err) {
			assert.Equal(t, c.tensor, e.Tensor)
		}
	}
}
