package cpu_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// tensor is one tensor of a safetensors file.
type tensor struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
	data    []byte
}

// readTensors reads a safetensors file: the header's length, the header as
// JSON, then the data.
func readTensors(t *testing.T, path string) map[string]tensor {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	end := 8 + binary.LittleEndian.Uint64(file)
	tensors := map[string]tensor{}
	require.NoError(t, json.Unmarshal(file[8:end], &tensors))
	for name, x := range tensors {
		x.data = file[end:][x.Offsets[0]:x.Offsets[1]]
		tensors[name] = x
	}
	return tensors
}

// floats is the elements of an F32 tensor.
func (x tensor) floats() []float32 {
	v := make([]float32, len(x.data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(x.data[4*i:]))
	}
	return v
}

// swapped is x with its last two axes swapped: (B, D, L) becomes (B, L, D).
func (x tensor) swapped() []float32 {
	v, r := x.floats(), len(x.Shape)
	rows, cols := x.Shape[r-2], x.Shape[r-1]
	y := make([]float32, len(v))
	for i := range v {
		matrix, row, col := i/(rows*cols), i/cols%rows, i%cols
		y[(matrix*cols+col)*rows+row] = v[i]
	}
	return y
}
