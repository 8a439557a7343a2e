package main

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/stretchr/testify/require"
)

// TestTraceFile compares the file of a trace with the reference
// implementation's, tensor by tensor.
func TestTraceFile(t *testing.T) {
	want, err := checkpoint.OpenFile("../../testdata/reference-lm/trace.safetensors")
	require.NoError(t, err)
	defer want.Close()
	ids := strings.Trim(strings.ReplaceAll(fmt.Sprint(values(t, want, inputIDs)), " ", ","), "[]")
	adapters := []string{"go"}
	if hasGPU() {
		adapters = append(adapters, "0")
	}
	for _, adapter := range adapters {
		path := filepath.Join(t.TempDir(), "trace.safetensors")
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"info", "--trace", path, "--model", "../../testdata/reference-lm", "--ids", ids, "--adapter", adapter}, strings.NewReader(""), &stdout, &stderr)
		require.Equal(t, exitOK, status, stderr.String())
		got, err := checkpoint.OpenFile(path)
		require.NoError(t, err)
		require.Equal(t, want.Names(), got.Names())
		for _, name := range want.Names() {
			tensor, _ := got.Tensor(name)
			wanted, _ := want.Tensor(name)
			require.Equal(t, []any{wanted.DType, wanted.Shape}, []any{tensor.DType, tensor.Shape}, name)
			x, y := values(t, got, name), values(t, want, name)
			largest, worst := 0.0, 0.0
			for i := range y {
				largest = max(largest, math.Abs(float64(y[i])))
				worst = max(worst, math.Abs(float64(x[i])-float64(y[i])))
			}
			require.LessOrEqual(t, worst, 1e-4*largest, name)
		}
		require.NoError(t, got.Close())
	}
}

func values(t *testing.T, f *checkpoint.File, name string) []float32 {
	t.Helper()
	tensor, ok := f.Tensor(name)
	require.True(t, ok, name)
	out, err := tensor.Float32(nil)
	require.NoError(t, err)
	return out
}
