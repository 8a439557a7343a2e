package cases

import (
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNames checks that a case can be told by its kernel and name.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		assert.False(t, seen[c.String()], "two cases are called %s", c)
		seen[c.String()] = true
	}
}

// TestKernels checks that every kernel has cases and that an unknown one has
// none.
func TestKernels(t *testing.T) {
	want := []string{
		"embedding", "rms_norm", "layer_norm", "matmul", "matmul_sum", "column_sums", "matvec", "norm_matvec", "matmul_lanes", "causal_conv", "causal_conv_step", "dt_proj",
		"selective_scan", "selective_scan_grouped", "selective_scan_summary", "selective_scan_step", "selective_scan_naive", "selective_scan_tiled",
		"selective_scan_backward", "scan_ends", "scan_join", "scan_rows",
		"selective_scan_complex", "selective_scan_complex_step",
		"discretize", "modulated_scan", "modulated_scan_step", "residual_add",
		"in_proj_step", "x_proj_step", "in_proj_rows", "dt_scan_step", "scan_gate_step", "out_proj_step", "dt_scan_rows", "flow_out_step", "flow_end", "layers_step", "last_rows",
		"peaks", "histogram", "cut", "gumbel", "choose", "choose_embed",
		"embedding_backward", "rms_norm_backward", "layer_norm_backward", "causal_conv_backward",
		"cross_entropy", "square_sums", "clip_scale", "adamw", "log_decays", "log_decays_backward", "sum",
		"selective_scan_complex_backward", "modulated_scan_backward", "discretize_backward", "gather_states", "part_columns",
	}
	assert.Equal(t, want, Kernels())
	for _, kernel := range want {
		list := Of(kernel)
		assert.NotEmpty(t, list, kernel)
		for _, c := range list {
			assert.Equal(t, kernel, c.Kernel)
		}
		t.Logf("%-27s %3d cases", kernel, len(list))
	}
	assert.Empty(t, Of("no_such_kernel"))
}

// TestArgsAreTheSame checks that a case's data does not change between calls
// and that the buffers of two calls do not share memory.
func TestArgsAreTheSame(t *testing.T) {
	for _, kernel := range Kernels() {
		c := Of(kernel)[0]
		first, second := c.Args(), c.Args()
		require.Len(t, second, len(first))
		for i := range first {
			assert.True(t, sameBits(first[i], second[i]), "%s: %s", c, first[i].Name)
			for j := range first[i].F32 {
				first[i].F32[j]++
			}
		}
		third := c.Args()
		for i := range third {
			assert.True(t, sameBits(second[i], third[i]), "%s: %s", c, third[i].Name)
		}
	}
}

// TestWeightsAreRepresentable checks that storing the weights in their type
// loses nothing.
func TestWeightsAreRepresentable(t *testing.T) {
	for _, c := range All() {
		for _, a := range c.Args() {
			if !a.Weights {
				continue
			}
			require.Len(t, a.F32, a.Rows*a.Cols, "%s: %s", c, a.Name)
			if d := a.Type; d.Quantized() {
				require.Equal(t, shaders.Dequantize(d, a.Image, a.Rows, a.Cols), a.F32, "%s: %s", c, a.Name)
				continue
			}
			for i, v := range a.F32 {
				if v != round(a.Type, v) {
					require.Failf(t, "not representable", "%s: %s[%d] = %v", c, a.Name, i, v)
				}
			}
		}
	}
}

// TestTwins runs the twin of every case: it must write all of its outputs,
// leave its inputs alone and agree with itself.
func TestTwins(t *testing.T) {
	for _, c := range All() {
		before, after := c.Args(), c.RunTwin()
		require.NoError(t, Compare(c, after, after))
		outputs := 0
		for i, a := range after {
			if !a.Out {
				require.True(t, sameBits(before[i], a), "%s: the twin changed %s", c, a.Name)
				continue
			}
			outputs++
			for j, v := range a.F32 {
				if v != v {
					require.Failf(t, "unwritten", "%s: %s[%d] is NaN", c, a.Name, j)
				}
				if before[i].F32[j] == Untouched && v != Untouched {
					require.Failf(t, "written", "%s: %s[%d] has to stay as it is", c, a.Name, j)
				}
			}
		}
		require.Positive(t, outputs, "%s", c)
	}
}

// TestUnwrittenOutputsFail checks that doing nothing passes no case, but for
// the look-up and the update that have nothing to do.
func TestUnwrittenOutputsFail(t *testing.T) {
	for _, c := range All() {
		err := Compare(c, c.Args(), c.RunTwin())
		if c.Name == "shard without any of the ids" || c.Name == "gradients that are not finite" {
			assert.NoError(t, err)
			continue
		}
		assert.Error(t, err, "%s", c)
	}
}
