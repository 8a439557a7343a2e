package opsfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/shaders/opsfile"
	"github.com/mambagpu/mambagpu/wgpu"
)

const reference = "../../testdata/ops.safetensors"

// runner is a way to run cases.
type runner struct {
	name string
	run  func(*opsfile.Case) ([]opsfile.Output, error)
}

// runners is the twins, and the kernels if there is a device.
func runners(t *testing.T) []runner {
	t.Helper()
	list := []runner{{"twin", (*opsfile.Case).RunTwin}}
	dev, err := wgpu.Open(nil)
	if errors.Is(err, wgpu.ErrNoAdapter) && os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" {
		return list
	}
	require.NoError(t, err)
	t.Cleanup(func() { dev.Close() })
	kernels := shaders.New(dev)
	return append(list, runner{"gpu", func(c *opsfile.Case) ([]opsfile.Output, error) { return c.RunGPU(kernels) }})
}

// passes runs every case through the twin, and those that onGPU names, nil for
// all, on a device too; all errors stay below limit.
func passes(t *testing.T, f *opsfile.File, limit float64, onGPU []string) {
	t.Helper()
	for _, r := range runners(t) {
		worst := 0.0
		for _, c := range f.Cases {
			if r.name == "gpu" && onGPU != nil && !slices.Contains(onGPU, c.Name) {
				continue
			}
			outputs, err := r.run(c)
			require.NoError(t, err, c.Name)
			require.NotEmpty(t, outputs)
			for _, out := range outputs {
				v := out.Compare()
				assert.True(t, v.Pass, "%s: %s.%s%s", r.name, c.Name, out.Tensor, v)
				assert.LessOrEqual(t, v.Worst.Rel, limit, "%s: %s.%s", r.name, c.Name, out.Tensor)
				worst = max(worst, v.Worst.Rel)
			}
		}
		t.Logf("%s: largest error %.1e of the largest value", r.name, worst)
	}
}

// TestReference runs the file that PyTorch made.
func TestReference(t *testing.T) {
	f, err := opsfile.Open(reference)
	require.NoError(t, err)
	defer f.Close()
	var names []string
	for _, c := range f.Cases {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{
		"scan.0", "scan.1", "scan.2", "scan.3", "scan.4", "scan.5", "scan.6", "scan.7",
		"conv.0", "conv.1", "conv.2", "conv.3",
	}, names)
	assert.Equal(t, "selective_scan_complex", f.Cases[6].Kernel)
	assert.Zero(t, f.Others)
	passes(t, f, 1e-5, nil)
}

// TestSwitches runs every combination of the optional tensors, with sizes that
// no two axes share, so that a wrong layout shows.
func TestSwitches(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	f := tensors{}
	for bits := range 64 {
		on := func(i int) bool { return bits>>i&1 != 0 }
		f.addScan(rng, fmt.Sprintf("scan.%d", bits), scanSpec{batch: 2, channels: 5, length: 7, states: 3,
			d: on(0), z: on(1), bias: on(2), h0: on(3), softplus: on(4), complex: on(5)})
	}
	for bits := range 4 {
		f.addConv(rng, fmt.Sprintf("conv.%d", bits), 2, 5, 7, 3, bits&1 != 0, bits&2 != 0)
	}
	file, err := f.open(t, nil)
	require.NoError(t, err)
	require.Len(t, file.Cases, 68)
	// Each combination is a shader of its own to compile, and package cases
	// runs them all.
	passes(t, file, 1e-5, []string{"scan.0", "scan.21", "scan.32", "scan.42", "scan.63", "conv.0", "conv.3"})
}

// TestSizes runs the smallest and the largest sizes.
func TestSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	f := tensors{}
	for _, states := range []int{1, 17, 100, 256} {
		for _, length := range []int{1, 20} {
			for _, imaginary := range []bool{false, true} {
				f.addScan(rng, fmt.Sprintf("scan.%d-%d-%v", states, length, imaginary),
					scanSpec{batch: 1, channels: 2, length: length, states: states, softplus: true, complex: imaginary, d: true})
			}
		}
	}
	for width := 2; width <= 8; width++ {
		f.addConv(rng, fmt.Sprintf("conv.%d", width), 1, 3, 2, width, false, true)
	}
	file, err := f.open(t, nil)
	require.NoError(t, err)
	passes(t, file, 1e-5, []string{"scan.1-1-false", "scan.1-20-true", "scan.17-20-true", "scan.256-20-false", "conv.2", "conv.8"})
}

// TestDTypes reads tensors of other float types, and expects what those hold.
func TestDTypes(t *testing.T) {
	f := mixed()
	for name, x := range f {
		if x.dtype == 0 {
			x.dtype = checkpoint.F64
			f[name] = x
		}
	}
	file, err := f.open(t, nil)
	require.NoError(t, err)
	passes(t, file, 1e-5, nil)
}

// TestOptional leaves out what may be missing.
func TestOptional(t *testing.T) {
	f := mixed()
	delete(f, "scan.a.last_state")
	delete(f, "scan.b.last_state.re")
	delete(f, "scan.b.last_state.im")
	f["scan.a.dy"] = f["scan.a.y"]
	f["scan.b.grad.A.re"] = f["scan.b.A.re"]
	f["loss"] = tensor{values: []float32{1}}
	file, err := f.open(t, nil)
	require.NoError(t, err)
	require.Len(t, file.Cases, 3)
	assert.Equal(t, []string{"dy"}, file.Cases[0].Unchecked)
	assert.Equal(t, []string{"grad.A.re"}, file.Cases[1].Unchecked)
	assert.Empty(t, file.Cases[2].Unchecked)
	assert.Equal(t, 1, file.Others)
	for _, c := range file.Cases[:2] {
		outputs, err := c.RunTwin()
		require.NoError(t, err)
		require.Len(t, outputs, 1)
		assert.Equal(t, "y", outputs[0].Tensor)
	}
}

// TestFlags sets the flags in all ways.
func TestFlags(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	f := tensors{}
	f.addScan(rng, "scan.0", scanSpec{batch: 1, channels: 2, length: 3, states: 4})
	f.addConv(rng, "conv.0", 1, 2, 3, 4, true, false)
	pass := func(metadata map[string]string) [2]bool {
		file, err := f.open(t, metadata)
		require.NoError(t, err)
		var out [2]bool
		for i, c := range file.Cases {
			outputs, err := c.RunTwin()
			require.NoError(t, err)
			out[i] = outputs[0].Compare().Pass
		}
		return out
	}
	assert.Equal(t, [2]bool{true, true}, pass(map[string]string{"delta_softplus": "true", "silu": "true"}), "tensors come first")
	f["scan.0.delta_softplus"] = tensor{values: []float32{0}, dtype: checkpoint.Bool}
	assert.Equal(t, [2]bool{true, true}, pass(nil))
	delete(f, "scan.0.delta_softplus")
	assert.Equal(t, [2]bool{false, true}, pass(nil), "softplus is the default")
	assert.Equal(t, [2]bool{true, true}, pass(map[string]string{"delta_softplus": "false"}))
	assert.Equal(t, [2]bool{true, true}, pass(map[string]string{"delta_softplus": "true", "scan.0.delta_softplus": "0"}))
	delete(f, "conv.0.silu")
	assert.Equal(t, [2]bool{false, true}, pass(map[string]string{"silu": "false"}))
	assert.Equal(t, [2]bool{false, false}, pass(map[string]string{"silu": "true"}))
	_, err := f.open(t, map[string]string{"silu": "perhaps"})
	assert.ErrorContains(t, err, `metadata silu "perhaps"`)
}

// TestErrors breaks a sound file in one place at a time.
func TestErrors(t *testing.T) {
	shape := func(name string, shape ...int) func(f tensors) {
		return func(f tensors) { f.put(rand.New(rand.NewPCG(1, 1)), name, 0, 1, shape...) }
	}
	without := func(name string) func(f tensors) {
		return func(f tensors) { delete(f, name) }
	}
	for _, c := range []struct {
		edit   func(f tensors)
		tensor string
		want   string
	}{
		{without("scan.a.u"), "scan.a.u", "no such tensor, want shape (B, D, L)"},
		{without("scan.a.delta"), "scan.a.delta", "no such tensor, want shape [2 3 5]"},
		{without("scan.a.A"), "scan.a.A", "no such tensor, want shape (D, N)"},
		{without("scan.a.B"), "scan.a.B", "want shape [2 4 5]"},
		{without("scan.a.C"), "scan.a.C", "want shape [2 4 5]"},
		{without("scan.a.y"), "scan.a.y", "no such tensor"},
		{without("scan.b.A.re"), "scan.b.A.re", "no such tensor"},
		{without("scan.b.A.im"), "scan.b.A.im", "no such tensor"},
		{without("scan.b.B.im"), "scan.b.B.im", "no such tensor"},
		{without("scan.b.h0.re"), "scan.b.h0.re", "no such tensor"},
		{without("scan.b.last_state.im"), "scan.b.last_state.im", "no such tensor"},
		{without("conv.0.x"), "conv.0.x", "no such tensor"},
		{without("conv.0.weight"), "conv.0.weight", "no such tensor"},
		{without("conv.0.silu"), "conv.0.silu", "no such tensor, want one element"},
		{without("conv.0.y"), "conv.0.y", "no such tensor"},
		{shape("scan.a.u", 2, 15), "scan.a.u", "shape [2 15], want shape (B, D, L)"},
		{shape("scan.a.u", 2, 3, 0), "scan.a.u", "shape [2 3 0]"},
		{shape("scan.a.delta", 2, 5, 3), "scan.a.delta", "shape [2 5 3], want [2 3 5]"},
		{shape("scan.a.A", 4, 3), "scan.a.A", "shape [4 3], want [3 3]"},
		{shape("scan.a.A", 3, 257), "scan.a.A", "d_state 257, want 1 to 256"},
		{shape("scan.a.A", 3, 0), "scan.a.A", "shape [3 0]"},
		{shape("scan.a.B", 2, 5, 4), "scan.a.B", "shape [2 5 4], want [2 4 5]"},
		{shape("scan.a.D", 4), "scan.a.D", "shape [4], want [3]"},
		{shape("scan.a.z", 2, 5, 3), "scan.a.z", "want [2 3 5]"},
		{shape("scan.a.delta_bias", 1), "scan.a.delta_bias", "want [3]"},
		{shape("scan.a.h0", 2, 4, 3), "scan.a.h0", "want [2 3 4]"},
		{shape("scan.a.last_state", 2, 4, 3), "scan.a.last_state", "want [2 3 4]"},
		{shape("scan.a.y", 2, 5, 3), "scan.a.y", "want [2 3 5]"},
		{shape("scan.b.h0.im", 2, 4, 3), "scan.b.h0.im", "want [2 3 4]"},
		{shape("conv.0.weight", 4, 3), "conv.0.weight", "shape [4 3], want [3 3]"},
		{shape("conv.0.weight", 3, 9), "conv.0.weight", "width 9, want 2 to 8"},
		{shape("conv.0.weight", 3, 1), "conv.0.weight", "width 1, want 2 to 8"},
		{shape("conv.0.bias", 4), "conv.0.bias", "want [3]"},
		{shape("conv.0.silu", 2), "conv.0.silu", "shape [2], want one element"},
		{shape("scan.a.delta_softplus", 0), "scan.a.delta_softplus", "shape [0], want one element"},
		{shape("scan.a.detla_bias", 3), "scan.a.detla_bias", "a name that means nothing in a case, want u, delta"},
		{shape("scan.b.A", 3, 4), "scan.b.A", "a name that means nothing"},
		{shape("scan.a.h0.im", 2, 3, 4), "scan.a.h0.im", "a name that means nothing"},
		{shape("conv.0.h0", 1), "conv.0.h0", "a name that means nothing"},
		{shape("conv.other.bias", 1), "conv.other.x", "no such tensor"},
		{func(f tensors) {
			f["scan.a.C"] = tensor{shape: []int{2, 4, 5}, values: make([]float32, 40), dtype: checkpoint.I32}
		}, "scan.a.C", "dtype I32, want F32"},
		{func(f tensors) {
			f["scan.a.u"] = tensor{shape: []int{2, 3, 5}, values: make([]float32, 30), dtype: checkpoint.I8}
		}, "scan.a.u", "dtype I8, want F32"},
	} {
		f := mixed()
		c.edit(f)
		_, err := f.open(t, nil)
		e, ok := errors.AsType[*checkpoint.FormatError](err)
		if assert.True(t, ok, "%s: %v", c.tensor, err) {
			assert.Equal(t, c.tensor, e.Tensor)
			assert.Equal(t, "x", e.Path)
			assert.ErrorContains(t, err, c.want)
		}
	}
}

// TestNoCases refuses files that have nothing to run, and that are no files of
// the kind.
func TestNoCases(t *testing.T) {
	_, err := tensors{}.open(t, nil)
	assert.ErrorContains(t, err, "0 tensors, none of them a case's")
	f := tensors{}
	for _, name := range []string{"scan", "scan.", "scan.0", "scan..u", "conv", "Scan.0.u", "init.scan.0.u", ""} {
		f[name] = tensor{values: []float32{1}}
	}
	_, err = f.open(t, nil)
	assert.ErrorContains(t, err, "8 tensors, none of them a case's, want tensors named scan.K.u")

	_, err = openBytes([]byte("GGUF and more than eight bytes"))
	_, ok := errors.AsType[*checkpoint.UnsupportedError](err)
	assert.True(t, ok, "%v", err)
	_, err = openBytes(nil)
	assert.Error(t, err)
	_, err = opsfile.Open(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// TestOrder checks that cases come in the order of their numbers.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	f := tensors{}
	for _, k := range []string{"10", "b", "2", "a", "02"} {
		f.addConv(rng, "conv."+k, 1, 1, 1, 2, true, true)
	}
	f.addScan(rng, "scan.x", scanSpec{batch: 1, channels: 1, length: 1, states: 1, softplus: true})
	file, err := f.open(t, nil)
	require.NoError(t, err)
	var names []string
	for _, c := range file.Cases {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{"scan.x", "conv.02", "conv.2", "conv.10", "conv.a", "conv.b"}, names)
}

// TestWrongExpectation changes one expected element of each output: that output
// fails, and the first wrong element is that one.
func TestWrongExpectation(t *testing.T) {
	for _, r := range runners(t) {
		for _, name := range []string{"scan.a.y", "scan.a.last_state", "scan.b.y", "scan.b.last_state.re", "scan.b.last_state.im", "conv.0.y"} {
			f := mixed()
			shape := f[name].shape
			last := shape[len(shape)-1]
			at := shape[1]*last + 2*last + 3 // [1, 2, 3]
			f[name].values[at] += 1e-2
			file, err := f.open(t, nil)
			require.NoError(t, err)
			wrong := 0
			for _, c := range file.Cases {
				outputs, err := r.run(c)
				require.NoError(t, err)
				for _, out := range outputs {
					v := out.Compare()
					if c.Name+"."+out.Tensor != name {
						assert.True(t, v.Pass, "%s: %s.%s", r.name, c.Name, out.Tensor)
						continue
					}
					wrong++
					assert.False(t, v.Pass, name)
					assert.Equal(t, []int{1, 2, 3}, v.Index, name)
					assert.Equal(t, 1, v.Wrong)
					assert.Equal(t, f[name].values[at], v.Want)
					assert.InDelta(t, 1e-2, v.Want-v.Got, 1e-4)
					assert.InDelta(t, 1e-2, v.Worst.Abs, 1e-4)
				}
			}
			assert.Equal(t, 1, wrong, name)
		}
	}
}

func TestCompare(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	out := func(got, want float32) opsfile.Comparison {
		return opsfile.Output{Shape: []int{1, 2}, Got: []float32{-10, got}, Want: []float32{-10, want}, Scale: 10}.Compare()
	}
	assert.True(t, out(0.999, 1e-3+0.998).Pass)
	assert.False(t, out(1, 1.00102).Pass)
	for _, c := range [][2]float32{{nan, 1}, {1, nan}, {nan, nan}, {inf, inf}, {inf, 1}} {
		v := out(c[0], c[1])
		assert.False(t, v.Pass, c)
		assert.Equal(t, cases.Worst{Abs: math.Inf(1), Rel: math.Inf(1)}, v.Worst, c)
		assert.Equal(t, []int{0, 1}, v.Index)
	}
	assert.Equal(t, "[0, 1] is 2, want 0.5; 1 of 2 elements are wrong", out(2, 0.5).String())
	assert.Empty(t, out(1, 1).String())

	zero := opsfile.Output{Shape: []int{1}, Got: []float32{0}, Want: []float32{0}}
	assert.Equal(t, opsfile.Comparison{Pass: true, Count: 1}, zero.Compare())
	zero.Got[0] = 1e-7
	v := zero.Compare()
	assert.False(t, v.Pass)
	assert.True(t, math.IsInf(v.Worst.Rel, 1))
}
