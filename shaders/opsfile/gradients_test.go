package opsfile_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders/opsfile"
)

// TestReferenceGradients names the gradients of the reference's real scans that are
// checked, all of those that the file has.
func TestReferenceGradients(t *testing.T) {
	f, err := opsfile.Open(reference)
	require.NoError(t, err)
	defer f.Close()
	want := map[string]string{
		"scan.0": "A B C D delta delta_bias u z",
		"scan.2": "A B C D delta delta_bias h0 u z",
		"scan.3": "A B C D delta u",
		"scan.4": "A B C delta delta_bias h0 u z",
	}
	for _, c := range f.Cases {
		if want[c.Name] == "" {
			continue
		}
		assert.Empty(t, c.Unchecked, c.Name)
		outputs, err := c.RunTwin()
		require.NoError(t, err)
		var got []string
		for _, out := range outputs {
			if name, ok := strings.CutPrefix(out.Tensor, "grad."); ok {
				got = append(got, name)
				assert.Equal(t, "selective_scan_backward", out.Kernel)
			}
		}
		slices.Sort(got)
		assert.Equal(t, want[c.Name], strings.Join(got, " "), c.Name)
	}
}

// withGradients is a scan with dy and gradients that are as wrong as random numbers.
func withGradients() tensors {
	rng := rand.New(rand.NewPCG(4, 4))
	f := tensors{}
	f.addScan(rng, "scan.a", scanSpec{batch: 2, channels: 3, length: 5, states: 4, softplus: true, d: true, z: true, bias: true, h0: true})
	f.put(rng, "scan.a.dy", -1, 1, f["scan.a.y"].shape...)
	for _, of := range []string{"u", "delta", "A", "B", "C", "D", "z", "delta_bias", "h0"} {
		f.put(rng, "scan.a.grad."+of, -1, 1, f["scan.a."+of].shape...)
	}
	return f
}

// TestWrongGradients checks that each gradient is compared, in its own place, and that
// any of them may be missing.
func TestWrongGradients(t *testing.T) {
	for _, r := range runners(t) {
		file, err := withGradients().open(t, nil)
		require.NoError(t, err)
		outputs, err := r.run(file.Cases[0])
		require.NoError(t, err)
		right := withGradients()
		for _, out := range outputs {
			isGradient := strings.HasPrefix(out.Tensor, "grad.")
			assert.Equal(t, !isGradient, out.Compare().Pass, out.Tensor)
			if isGradient {
				right["scan.a."+out.Tensor] = tensor{shape: out.Shape, values: out.Got}
			}
		}
		delete(right, "scan.a.grad.delta")
		file, err = right.open(t, nil)
		require.NoError(t, err)
		again, err := r.run(file.Cases[0])
		require.NoError(t, err)
		assert.Len(t, again, len(outputs)-1)
		for _, out := range again {
			assert.True(t, out.Compare().Pass, "%s: %s", r.name, out.Tensor)
		}
	}
}

// TestGradientNames refuses gradients of what a case does not have, and passes over all
// of them where there is no dy, or a gradient of the last state.
func TestGradientNames(t *testing.T) {
	for tensorName, edit := range map[string]func(f tensors){
		"scan.a.grad.h0":    func(f tensors) { delete(f, "scan.a.h0") },
		"scan.a.grad.D":     func(f tensors) { delete(f, "scan.a.D") },
		"scan.a.grad.gamma": func(f tensors) { f["scan.a.grad.gamma"] = f["scan.a.D"] },
		"scan.a.grad.A":     func(f tensors) { f["scan.a.grad.A"] = f["scan.a.D"] },
		"scan.a.dy":         func(f tensors) { f["scan.a.dy"] = f["scan.a.D"] },
	} {
		f := withGradients()
		edit(f)
		_, err := f.open(t, nil)
		e, ok := errors.AsType[*checkpoint.FormatError](err)
		if assert.True(t, ok, "%s: %v", tensorName, err) {
			assert.Equal(t, tensorName, e.Tensor)
		}
	}
	for _, edit := range []func(f tensors){
		func(f tensors) { delete(f, "scan.a.dy") },
		func(f tensors) { f["scan.a.dlast_state"] = f["scan.a.last_state"] },
	} {
		f := withGradients()
		edit(f)
		file, err := f.open(t, nil)
		require.NoError(t, err)
		assert.Contains(t, file.Cases[0].Unchecked, "grad.A")
		outputs, err := file.Cases[0].RunTwin()
		require.NoError(t, err)
		assert.Len(t, outputs, 2)
	}
}
