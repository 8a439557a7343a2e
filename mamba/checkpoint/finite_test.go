package checkpoint_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

var floats = []checkpoint.DType{checkpoint.F32, checkpoint.F16, checkpoint.BF16, checkpoint.F64}

// TestCheckFinitePlaces puts each kind of value at each place of chunks of
// every length up to past two blocks.
func TestCheckFinitePlaces(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, d := range floats {
		tensor := &checkpoint.Tensor{Name: "w", DType: d}
		biggest := map[checkpoint.DType]float32{checkpoint.F16: 65504, checkpoint.BF16: 0x1.fep127}[d]
		if biggest == 0 {
			biggest = math.MaxFloat32
		}
		for n := range 150 / d.Size() {
			values := make([]float32, n)
			for i := range values {
				values[i] = []float32{biggest, -biggest, 0x1p-20}[i%3]
			}
			data, err := checkpoint.Encode(d, values)
			require.NoError(t, err)
			require.NoError(t, checkpoint.CheckFinite(tensor, data, 0))
			for i := range values {
				for bad, name := range map[float32]string{nan: "NaN", inf: "+Inf", -inf: "-Inf"} {
					broken := append([]byte{}, data...)
					one, err := checkpoint.Encode(d, []float32{bad})
					require.NoError(t, err)
					copy(broken[i*d.Size():], one)
					err = checkpoint.CheckFinite(tensor, broken, 1000)
					formatError(t, err, "tensor w", fmt.Sprintf("%s at element %d,", name, 1000+i), "finite values")
				}
			}
		}
	}
}

func TestCheckFiniteEvery16(t *testing.T) {
	for i := range 1 << 16 {
		raw := binary.LittleEndian.AppendUint16(nil, uint16(i))
		for _, d := range []checkpoint.DType{checkpoint.F16, checkpoint.BF16} {
			x := float64(decode1(t, d, raw))
			finite := !math.IsNaN(x) && !math.IsInf(x, 0)
			if err := checkpoint.CheckFinite(&checkpoint.Tensor{DType: d}, raw, 0); (err == nil) != finite {
				t.Fatalf("%v %#04x: %v", d, i, err)
			}
		}
	}
}

func TestCheckFiniteHugeDouble(t *testing.T) {
	huge := binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e300))
	require.NoError(t, checkpoint.CheckFinite(&checkpoint.Tensor{DType: checkpoint.F64}, huge, 0))
}

func TestCheckFiniteErrors(t *testing.T) {
	formatError(t, checkpoint.CheckFinite(&checkpoint.Tensor{Name: "w", DType: checkpoint.I8}, nil, 0), "tensor w", "I8")
	formatError(t, checkpoint.CheckFinite(&checkpoint.Tensor{Name: "w", DType: checkpoint.F32}, make([]byte, 7), 0), "7 bytes", "multiple of 4")
}

func BenchmarkCheckFinite(b *testing.B) {
	raw := make([]byte, 1<<20)
	for _, d := range floats {
		b.Run(d.String(), func(b *testing.B) {
			tensor := &checkpoint.Tensor{DType: d}
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if err := checkpoint.CheckFinite(tensor, raw, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := make([]byte, 1<<20)
	for i := range raw {
		raw[i] = byte(i)
	}
	for _, d := range floats {
		b.Run(d.String(), func(b *testing.B) {
			dst := make([]float32, len(raw)/d.Size())
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if err := checkpoint.Decode(d, dst, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
