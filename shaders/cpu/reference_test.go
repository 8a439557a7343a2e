package cpu_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// operations is what the reference computed in float64 and rounded to float32.
const operations = "../../testdata/ops.safetensors"

// near asserts that got is want within 1e-6 of the largest value: the twin's
// own rounding and the reference's, with room for a different libm.
func near(t *testing.T, want, got []float32, name string) {
	t.Helper()
	require.Len(t, got, len(want), name)
	var worst, largest float64
	for i := range want {
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
		largest = max(largest, math.Abs(float64(want[i])))
	}
	assert.LessOrEqual(t, worst, 1e-6*largest, name)
	t.Logf("%s: %.1e of the largest value %.3g", name, worst/largest, largest)
}

// TestSelectiveScanReference runs every scan of the file but number 6, whose A
// is complex.
func TestSelectiveScanReference(t *testing.T) {
	tensors := readTensors(t, operations)
	run := 0
	for k := range 20 {
		if _, real := tensors[fmt.Sprintf("scan.%d.A", k)]; !real {
			continue
		}
		run++
		get := func(name string) (tensor, bool) {
			x, ok := tensors[fmt.Sprintf("scan.%d.%s", k, name)]
			return x, ok
		}
		y, state := runScan(get)
		want, _ := get("y")
		near(t, want.swapped(), y, fmt.Sprintf("scan.%d.y", k))
		last, _ := get("last_state")
		near(t, last.floats(), state, fmt.Sprintf("scan.%d.last_state", k))
	}
	assert.Equal(t, 7, run)
}

// runScan runs the twin on the reference's tensors.
func runScan(get func(name string) (tensor, bool)) (y, state []float32) {
	u, _ := get("u")
	delta, _ := get("delta")
	a, _ := get("A")
	b, _ := get("B")
	c, _ := get("C")
	z, hasZ := get("z")
	d, hasD := get("D")
	bias, hasBias := get("delta_bias")
	h0, hasState := get("h0")
	batch, channels, length, states := u.Shape[0], u.Shape[1], u.Shape[2], a.Shape[1]
	p := shaders.SelectiveScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 2 * states, OffC: states, ZStride: channels,
		HasZ: hasZ, HasD: hasD, HasBias: hasBias, Softplus: true, Fresh: !hasState,
	}
	bt, ct := b.swapped(), c.swapped() // (B, L, N)
	var bc []float32
	for row := range batch * length {
		bc = append(bc, bt[row*states:(row+1)*states]...)
		bc = append(bc, ct[row*states:(row+1)*states]...)
	}
	var gate []float32
	if hasZ {
		gate = z.swapped()
	}
	state = make([]float32, batch*channels*states)
	copy(state, h0.floats())
	y = make([]float32, batch*length*channels)
	weights := slices.Concat(a.floats(), d.floats(), bias.floats())
	cpu.SelectiveScan(p, u.swapped(), delta.swapped(), bc, gate, weights, firstSlots(batch), state, y)
	return y, state
}

// TestCausalConvReference runs every convolution of the file.
func TestCausalConvReference(t *testing.T) {
	tensors := readTensors(t, operations)
	run := 0
	for k := range 20 {
		x, ok := tensors[fmt.Sprintf("conv.%d.x", k)]
		if !ok {
			continue
		}
		run++
		w := tensors[fmt.Sprintf("conv.%d.weight", k)]
		bias := tensors[fmt.Sprintf("conv.%d.bias", k)]
		silu := binary.LittleEndian.Uint64(tensors[fmt.Sprintf("conv.%d.silu", k)].data) != 0
		p := shaders.CausalConvParams{
			Batch: x.Shape[0], Length: x.Shape[2], Channels: x.Shape[1], Width: w.Shape[1],
			Stride: x.Shape[1], Bias: true, SiLU: silu, Fresh: true,
		}
		state := make([]float32, p.Batch*p.Channels*(p.Width-1))
		y := make([]float32, p.Batch*p.Length*p.Channels)
		cpu.CausalConv(p, x.swapped(), slices.Concat(w.floats(), bias.floats()), firstSlots(p.Batch), state, y)
		near(t, tensors[fmt.Sprintf("conv.%d.y", k)].swapped(), y, fmt.Sprintf("conv.%d.y", k))
	}
	assert.Equal(t, 4, run)
}

// firstSlots gives batch row b the slot b.
func firstSlots(batch int) []uint32 {
	slots := make([]uint32, batch)
	for b := range slots {
		slots[b] = uint32(b)
	}
	return slots
}
