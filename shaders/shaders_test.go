package shaders

import (
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/wgpu"
)

// TestParams holds the fields that each shader declares against those that its
// wrapper lays out.
func TestParams(t *testing.T) {
	m := MatmulParams{M: 1, N: 2, K: 3, LDA: 4, OffA: 5, LDC: 6, OffC: 7, OffBias: 8, LDW: 9, OffW: 10}
	conv := CausalConvParams{Length: 1, Channels: 2, Stride: 3, Offset: 4}
	stage := []string{"length", "channels", "bc_stride", "off_b", "off_c", "z_stride", "off_z"}
	scan := append(slices.Clone(stage), "off_m")
	grouped := append(slices.Clone(scan), "chunk")
	block := []string{"batch", "length", "channels", "bc_stride", "off_b", "off_c", "z_stride", "off_z", "first_state", "chunk",
		"grads", "sums", "rows", "decays", "rest", "totals", "states"}
	plan := []string{"groups", "steps", "chunks", "off_walk", "off_sums", "off_a", "off_rest"}
	fields := map[string][]string{
		"selective_scan_complex_backward": append(slices.Clone(stage), plan...),
		"modulated_scan_backward":         append([]string{"length", "channels", "stride", "off_b", "off_c"}, plan...),
		"discretize_backward":             {"rows", "states", "stride", "off_delta", "off_mod", "groups"},
		"gather_states":                   {"width"},
		"part_columns":                    {"parts", "rows", "width", "part_stride", "off_parts", "stride", "off_out"},
		"selective_scan_backward":         block,
		"scan_ends":                       block,
		"scan_join":                       block,
		"scan_rows":                       block,
		"matmul":                          {"m", "n", "k", "lda", "off_a", "ldc", "off_c", "off_bias", "ldw", "off_w"},
		"column_sums":                     {"rows", "columns", "stride", "offset", "off_out"},
		"matmul_sum":                      {"m", "n", "count", "ldc", "off_c", "off_bias"},
		"matvec":                          {"ldc", "off_c", "off_bias"},
		"norm_matvec":                     {"ldc", "off_c", "off_bias", "eps"},
		"in_proj_step":                    {"eps", "off_conv", "off_conv_bias", "off_in_bias"},
		"x_proj_step":                     {"rows"},
		"dt_scan_step":                    {"rows"},
		"scan_gate_step":                  {"rows"},
		"out_proj_step":                   {"width"},
		"dt_scan_rows":                    {"rows"},
		"layers_step":                     {"eps", "area", "next", "zeros", "first", "last", "past_stride", "state_stride"},
		"matmul_lanes":                    {"m", "ldc", "off_c", "off_bias"},
		"in_proj_rows":                    {"m", "eps", "off_conv", "off_conv_bias", "off_in_bias"},
		"causal_conv":                     {"length", "channels", "stride", "offset"},
		"causal_conv_step":                {"length", "channels", "stride", "offset"},
		"selective_scan":                  scan,
		"selective_scan_grouped":          grouped,
		"selective_scan_summary":          grouped,
		"selective_scan_step":             scan,
		"selective_scan_naive":            stage,
		"selective_scan_tiled":            stage,
		"selective_scan_complex":          scan,
		"selective_scan_complex_step":     scan,
		"discretize":                      {"rows", "states", "stride", "off_delta", "off_mod"},
		"modulated_scan":                  {"length", "channels", "stride", "off_b", "off_c"},
		"modulated_scan_step":             {"length", "channels", "stride", "off_b", "off_c"},
		"layer_norm":                      {"rows", "width", "eps"},
		"embedding":                       {"width", "first_row", "rows", "tokens"},
		"rms_norm":                        {"rows", "width", "eps"},
		"dt_proj":                         {"rows", "channels", "stride", "offset"},
		"last_rows":                       {"length", "width"},
		"residual_add":                    {"count"},
		"peaks":                           {"rows", "width", "stride", "ring"},
		"gumbel":                          {"rows", "width", "stride", "ring"},
		"choose":                          {"rows", "width", "stride", "ring"},
		"choose_embed":                    {"rows", "width", "stride", "ring", "columns", "table_rows"},
		"flow_out_step":                   {"width"},
		"flow_end":                        {"layers"},
		"histogram":                       {"rows", "width", "stride", "ring"},
		"cut":                             {"rows", "width", "stride", "ring"},
	}
	maps.Copy(fields, map[string][]string{
		"embedding_backward":   {"width", "first_row", "rows", "entries", "stride"},
		"rms_norm_backward":    {"rows", "steps", "eps"},
		"layer_norm_backward":  {"rows", "steps", "eps"},
		"causal_conv_backward": {"length", "channels", "stride", "offset"},
		"cross_entropy":        {"rows", "vocab", "off_target", "off_loss", "scale"},
		"square_sums":          {"count", "off_out"},
		"clip_scale":           {"count", "max_norm"},
		"adamw":                {"count", "beta1", "rest1", "beta2", "rest2", "eps", "decay"},
		"log_decays":           {"decays", "count"},
		"log_decays_backward":  {"decays", "count"},
		"sum":                  {"first", "count", "off_out"},
	})
	decl := regexp.MustCompile(`struct Params \{([^}]*)\}`)
	for _, name := range Names() {
		text, err := files.ReadFile(name + ".wgsl")
		require.NoError(t, err)
		found := decl.FindStringSubmatch(string(text))
		require.NotNil(t, found, name)
		var got []string
		declared := strings.Split(strings.TrimSuffix(strings.TrimSpace(found[1]), ","), ",")
		for _, f := range declared {
			field, kind, _ := strings.Cut(strings.TrimSpace(f), ": ")
			assert.Contains(t, []string{"u32", "f32"}, kind, name)
			if !strings.HasPrefix(field, "pad") {
				got = append(got, field)
			}
		}
		assert.Equal(t, fields[name], got, name)
		assert.Zero(t, len(declared)%4, "%s: Params are padded to 16 bytes", name)
	}
	assert.Equal(t, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, m.uniform())
	assert.Equal(t, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0}, conv.uniform())
	general := SelectiveScanParams{Length: 1, Channels: 2, BCStride: 3, OffB: 4, OffC: 5, ZStride: 6, OffZ: 7, OffM: 8}
	assert.Equal(t, m.uniform()[:32], general.uniform())
	assert.Equal(t, []byte{0, 0, 128, 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uniform(float32(1)))
}

// TestHeaders holds every shader to the fields of its header, and to the
// storage buffers that every device has; layers_step has more and says so.
func TestHeaders(t *testing.T) {
	storage := regexp.MustCompile(`@binding\((\d+)\) var<storage`)
	for _, name := range Names() {
		text, err := files.ReadFile(name + ".wgsl")
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(text), "// "+name+": "), name)
		for _, field := range []string{"// In ", "// Out ", "// Grid ", "// Tail ", "// Twin "} {
			assert.Contains(t, string(text), field, name)
		}
		buffers := map[string]bool{} // by binding: variants may declare one differently
		for _, m := range storage.FindAllStringSubmatch(string(text), -1) {
			buffers[m[1]] = true
		}
		if name == "layers_step" {
			assert.Len(t, buffers, LayersStepBuffers)
			continue
		}
		assert.LessOrEqual(t, len(buffers), 8, name)
	}
}

func TestSpread(t *testing.T) {
	for n, want := range map[int][3]uint32{
		1: {1, 1, 1}, 65535: {65535, 1, 1}, 65536: {32768, 2, 1}, 200000: {50000, 4, 1},
	} {
		assert.Equal(t, want, spread(n), n)
		assert.GreaterOrEqual(t, int(want[0])*int(want[1]), n)
	}
}

func TestScanVariant(t *testing.T) {
	for states := 1; states <= 256; states++ {
		v := SelectiveScanParams{States: states}.variant()
		general := SelectiveScanParams{States: states, Modulated: true, Packing: Packing{Packed: true}}.variant()
		assert.LessOrEqual(t, v.Memory, 16<<10, "d_state %d", states)
		assert.LessOrEqual(t, general.Memory, 16<<10, "d_state %d", states)
		assert.GreaterOrEqual(t, v.PerLane*8, states)
		assert.GreaterOrEqual(t, v.Pairs()*2, v.PerLane)
	}
	busy := func(states int) scanVariant {
		return SelectiveScanParams{Batch: 8, Channels: 1024, States: states}.variant()
	}
	assert.Equal(t, 8192, busy(16).Memory)
	assert.Equal(t, 8, busy(64).Steps)
	assert.Equal(t, 4, busy(128).Steps)
	assert.Equal(t, 16, SelectiveScanParams{Batch: 1, Channels: 1536, States: 16}.variant().Steps)
}

// TestScanMemory counts the workgroup memory that the source declares.
func TestScanMemory(t *testing.T) {
	for _, states := range []int{1, 16, 17, 100, 128, 192, 193, 256} {
		for bits := range 4 {
			p := SelectiveScanParams{States: states, Modulated: bits&1 != 0, Packing: Packing{Packed: bits&2 != 0}}
			v := p.variant()
			assert.Equal(t, v.Memory, declared(t, "selective_scan", v), "d_state %d, %+v", states, p)
		}
	}
}

// declared counts the bytes of workgroup memory that a kernel's source declares.
// A vector of three takes as much as one of four.
func declared(t *testing.T, kernel string, variant any) (bytes int) {
	t.Helper()
	source, err := Source(kernel, variant)
	require.NoError(t, err)
	element := map[string]int{"f32": 4, "vec2<f32>": 8, "vec4<f32>": 16, "vec3<u32>": 16}
	for _, m := range regexp.MustCompile(`var<workgroup> \w+: (?:array<)*([a-z][\w]*(?:<f32>|<u32>)?)((?:, \d+>)*);`).FindAllStringSubmatch(source, -1) {
		n := 1
		for _, axis := range regexp.MustCompile(`\d+`).FindAllString(m[2], -1) {
			length, err := strconv.Atoi(axis)
			require.NoError(t, err)
			n *= length
		}
		require.Contains(t, element, m[1])
		bytes += n * element[m[1]]
	}
	return bytes
}

// TestRowDots checks how matvec and in_proj_step share their work: within every
// device's limits, and with the workgroups and groups that they are asked for.
func TestRowDots(t *testing.T) {
	check := func(v rowDots) {
		t.Helper()
		assert.LessOrEqual(t, v.Memory, 16<<10, "%+v", v)
		assert.LessOrEqual(t, v.Threads, 256, "%+v", v)
		assert.LessOrEqual(t, v.Columns*v.Rows, v.Threads, "%+v", v)
		if v.Held {
			assert.GreaterOrEqual(t, v.Lanes*v.Take, v.Blocks, "%+v", v)
			assert.GreaterOrEqual(t, v.Sets*v.Each, v.Columns, "%+v", v)
			assert.Zero(t, v.Each%v.Flight, "%+v", v)
			assert.LessOrEqual(t, v.Lanes*v.Sets, v.Threads, "%+v", v)
			return
		}
		assert.GreaterOrEqual(t, v.Threads/v.Lanes*v.Each, v.Columns, "%+v", v)
		assert.Zero(t, v.Chunk%(v.Lanes*v.Loads), "%+v", v)
	}
	for _, d := range []DType{F32, F16, BF16, Q8, Q4} {
		for _, k := range []int{1, 5, 64, 256, 768, 2560, 5120, 9000} {
			for m := 1; m <= MaxMatvecRows; m++ {
				for _, n := range []int{1, 192, 768, 2560, 50280} {
					s := rowShape{m, n, k, d, n%3 == 0}
					check(s.choose())
				}
				for _, group := range []int{8, 16, 24, 32, 40, 64} {
					v := rowShape{min(m, MaxInProjStepRows), 3072, k, d, true}.grouped(group, 80)
					check(v)
					assert.Equal(t, group, v.Columns)
					assert.GreaterOrEqual(t, v.Threads, 80)
				}
			}
		}
	}
	assert.Equal(t, 16, rowShape{3, 50280, 768, F16, true}.choose().Columns, "more than enough workgroups")
	assert.Equal(t, 4, rowShape{3, 768, 1536, F16, false}.choose().Columns, "few rows")
}

// TestStepMemory counts the workgroup memory that the kernels of a step declare.
func TestStepMemory(t *testing.T) {
	low := wgpu.DefaultLimits()
	for _, d := range []DType{F32, F16, Q8, Q4} {
		for _, width := range []int{36, 2560} {
			for _, group := range []int{16, 32} {
				split := InProjStepParams{
					Rows: 1, Width: 16 * width, Channels: 2 * width, Taps: 4, Outputs: 192, Group: group, Weights: d, XWeights: d, Split: true,
				}
				assert.LessOrEqual(t, split.variant(low).Memory, 16<<10)
				assert.Equal(t, split.variant(low).Memory, declared(t, "in_proj_step", split.variant(low)))
				split.Squares, split.Group = 512, group+8
				v, fits := split.ready(low)
				assert.Equal(t, fits, v.Memory <= 16<<10)
				assert.Equal(t, v.Memory, declared(t, "in_proj_step", v))
			}
			gate := ScanGateStepParams{Rows: 2, Width: 32 * width, Channels: 64, Rank: 160, States: 16, Groups: 3, Weights: d, OutWeights: d}.variant()
			assert.LessOrEqual(t, gate.Memory, 16<<10)
			assert.Equal(t, gate.Memory, declared(t, "scan_gate_step", gate))
			out := OutProjStepParams{Rows: 2, Width: 9, Channels: 32 * width, Weights: d}.variant(low)
			assert.LessOrEqual(t, out.Memory, 16<<10)
			assert.Equal(t, out.Memory, declared(t, "out_proj_step", out))
			whole := InProjStepParams{
				Rows: MaxInProjStepRows, Width: width, Channels: 2 * width, Taps: 4, Outputs: MaxInProjStepOutputs, Group: 64, Weights: d, XWeights: d,
			}.variant(low)
			assert.LessOrEqual(t, whole.Memory, 16<<10)
			assert.Equal(t, whole.Memory, declared(t, "in_proj_step", whole))
			product := matvecVariant{rowDots: rowShape{MaxMatvecRows, 64, width, d, false}.choose()}
			assert.Equal(t, product.Memory, declared(t, "matvec", product))
		}
	}
	sums := XProjStepParams{Rows: 64, Channels: 100, Taps: 4, Outputs: 80, Group: 64}.variant()
	assert.LessOrEqual(t, sums.Memory, 16<<10)
	assert.Equal(t, sums.Memory, declared(t, "x_proj_step", sums))
	for _, states := range []int{1, 16, 256} {
		scan := DtScanStepParams{Rows: 1, Channels: 100, Rank: MaxDtScanStepOutputs - 2*states, States: states, Groups: 3}.variant()
		assert.LessOrEqual(t, scan.Memory, 16<<10)
		assert.Equal(t, scan.Memory, declared(t, "dt_scan_step", scan))
	}
}

// TestFewTiles checks that a workgroup has every row where there are few, and which tiles
// the layers of 130m and 2.8b take.
func TestFewTiles(t *testing.T) {
	for _, d := range []DType{F32, F16, BF16, Q8, Q4} {
		for m := 1; m <= fewLaneRows; m++ {
			for _, n := range []int{1, 80, 768, 3072, 10240, 50280} {
				v := newLaneSums(m, n, 2560, d)
				assert.GreaterOrEqual(t, v.Rows(), m)
				assert.EqualValues(t, 1, v.grid(m)[1])
				assert.LessOrEqual(t, v.Invocations(), 256)
			}
		}
	}
	sums := func(n, k int, d DType) [3]int {
		v := newLaneSums(8, n, k, d)
		return [3]int{v.M, v.N, v.Lanes()}
	}
	assert.Equal(t, [3]int{2, 4, 32}, sums(3072, 768, F16))
	assert.Equal(t, [3]int{2, 1, 64}, sums(80, 1536, F16))
	assert.Equal(t, [3]int{2, 2, 64}, sums(768, 1536, F16))
	assert.Equal(t, [3]int{4, 4, 16}, sums(50280, 768, F16))
	assert.Equal(t, [3]int{8, 5, 32}, sums(10240, 2560, F16))
	assert.Equal(t, [3]int{2, 5, 64}, sums(2560, 5120, F16))
	assert.Equal(t, [3]int{8, 5, 64}, sums(2560, 5120, Q8))
	assert.Equal(t, [3]int{8, 5, 16}, sums(50280, 768, Q4))
}

// TestRowsMemory counts the workgroup memory of the kernels for many sequences.
func TestRowsMemory(t *testing.T) {
	for _, n := range []int{5, 80, 768, 2560, 3072, 5120, 50280} {
		for _, d := range []DType{F32, F16, Q8, Q4} {
			for _, m := range []int{3, 8, MaxLaneRows} {
				product := matmulLanesVariant{laneSums: newLaneSums(m, n, 1028, d)}
				assert.Equal(t, product.Memory(), declared(t, "matmul_lanes", product))
				assert.LessOrEqual(t, product.Invocations(), 256)
				first := inProjRowsVariant{laneSums: newLaneSums(m, n, 1028, d), Taps: 4}
				first.Norm = true
				assert.LessOrEqual(t, first.Memory(), 16<<10)
				assert.Equal(t, first.Memory(), declared(t, "in_proj_rows", first))
			}
		}
	}
	for _, p := range []DtScanStepParams{
		{Rows: 64, Channels: 1536, Rank: 48, States: 16, Groups: 1}, {Rows: 2, Channels: 100, Rank: 160, States: 16, Groups: 1},
		{Rows: 9, Channels: 100, Rank: 256, States: 256, Groups: 1},
	} {
		require.True(t, DtScanRowsFits(p))
		scan := p.rowsVariant()
		assert.LessOrEqual(t, scan.Rows, p.Rows)
		assert.LessOrEqual(t, scan.Memory, 16<<10)
		assert.Equal(t, scan.Memory, declared(t, "dt_scan_rows", scan))
	}
	assert.False(t, DtScanRowsFits(DtScanStepParams{Rows: 9, Channels: 8, Rank: 3, States: 16, Groups: 1}))
	for _, rows := range []int{1, 8, 256, 1024} {
		chunked := DtProjParams{Rows: rows, Channels: 100, Rank: 160, Stride: 192}.variant()
		assert.LessOrEqual(t, chunked.Memory(), 16<<10)
		assert.Equal(t, chunked.Memory(), declared(t, "dt_proj", chunked))
	}
}

// TestLaneTiles says which tile shares the products of 64 sequences' step.
func TestLaneTiles(t *testing.T) {
	assert.Equal(t, laneTiles[0], newLaneSums(64, 3072, 768, F16).laneTile)
	assert.Equal(t, laneTiles[1], newLaneSums(64, 768, 1536, F16).laneTile)
	assert.Equal(t, laneTiles[2], newLaneSums(64, 80, 1536, F16).laneTile)
	assert.Equal(t, laneTiles[2], newLaneSums(9, 1, 4, F16).laneTile)
	assert.True(t, laneFits(64, 4096, 1024, 1024, 0))
	for _, p := range [][5]int{{65, 80, 64, 64, 0}, {64, 4097, 64, 64, 0}, {9, 80, 2052, 2052, 0}, {9, 80, 66, 68, 0}, {9, 80, 64, 66, 0}, {9, 80, 64, 68, 2}} {
		assert.False(t, laneFits(p[0], p[1], p[2], p[3], p[4]), p)
	}
}

func TestPacking(t *testing.T) {
	assert.Equal(t, 8, Stride(F32, 5))
	assert.EqualValues(t, 2*8*2, MatrixBytes(F16, 2, 5))
	raw := []byte{1, 2, 3, 4, 5, 6}
	padded := make([]byte, 3*16)
	for r := range 3 {
		copy(padded[16*r:], raw[2*r:2*r+2])
	}
	assert.Equal(t, padded, PadRows(F16, raw, 1))
	aligned := make([]byte, 32)
	assert.Same(t, &aligned[0], &PadRows(F16, aligned, 8)[0])
	// (3, 1) becomes (1, 3), padded to four channels.
	assert.Equal(t, []byte{1, 2, 3, 4, 5, 6, 0, 0}, TransposePairs(F16, raw, 3, 1))
	// Rows of two blocks, of Q4 a word each in four, and the scales after them.
	for _, d := range []DType{F32, F16, Q8, Q4} {
		unit, cols := max(4, d.Bits()/2), Stride(d, 1)+1
		image := make([]byte, MatrixBytes(d, 3, cols))
		for i := range image {
			image[i] = byte(i)
		}
		turned := TransposeQuads(d, image, 3, cols)
		row := RowBytes(d, cols)
		assert.Equal(t, image[:unit], turned[:unit], d)
		assert.Equal(t, image[2*row:2*row+unit], turned[2*unit:3*unit], "%v: the same columns of the last row", d)
		assert.Equal(t, image[unit:2*unit], turned[3*unit:4*unit], "%v: the next columns", d)
		assert.Equal(t, image[3*row-unit:3*row], turned[3*row-unit:3*row], "%v: the last", d)
		if d == Q8 {
			assert.Equal(t, image[3*row:], turned[3*row:], "one scale a row")
		} else if d == Q4 {
			assert.Equal(t, image[3*row+4:3*row+6], turned[3*row+2:3*row+4], "the second row's first scale")
		}
	}
	// (1, 3) becomes (3, 1), each padded to two.
	assert.Equal(t, []byte{1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0}, TransposePairs(F16, raw, 1, 3))

	assert.Equal(t, []byte{0, 0x3c, 0xff, 0x7b}, Encode(F16, []float32{1, 65504}))
	assert.Equal(t, []byte{0x80, 0x3f, 0xc0, 0x7f}, Encode(BF16, []float32{1, float32(math.NaN())})[:4])
	// Ties go to even, and past a tie up.
	assert.Equal(t, []byte{0x80, 0x3f, 0x82, 0x3f, 0x81, 0x3f},
		Encode(BF16, []float32{math.Float32frombits(0x3f808000), math.Float32frombits(0x3f818000), math.Float32frombits(0x3f808001)}))
	assert.Equal(t, []byte{0, 0, 128, 63}, Encode(F32, []float32{1}))
	assert.Equal(t, "F16", F16.String())
	assert.Equal(t, "DType(9)", DType(9).String())
}

// TestShapeErrors gives each kernel what does not fit.
func TestShapeErrors(t *testing.T) {
	d, err := wgpu.Open(&wgpu.Options{Notices: io.Discard})
	if os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" && err != nil {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer d.Close()
	k := New(d)
	b, err := d.NewBuffer("b", 64)
	require.NoError(t, err)
	big, err := d.NewBuffer("big", 1024)
	require.NoError(t, err)
	rows, err := d.NewBuffer("rows", 4*128*64)
	require.NoError(t, err)
	bins, err := d.NewBuffer("bins", 8*HistogramBins)
	require.NoError(t, err)
	scan := SelectiveScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 2, OffC: 1}
	with := func(edit func(p *SelectiveScanParams)) SelectiveScanParams { p := scan; edit(&p); return p }
	first := func(list []*wgpu.Dispatch, err error) (*wgpu.Dispatch, error) { return nil, err }
	for _, c := range []struct {
		arg string
		try func() (*wgpu.Dispatch, error)
	}{
		{"M", func() (*wgpu.Dispatch, error) {
			return k.Matvec(MatmulParams{M: 9, N: 1, K: 1, LDA: 1, LDC: 1}, b, b, nil, b)
		}},
		{"M", func() (*wgpu.Dispatch, error) {
			return k.MatmulLanes(MatmulParams{M: MaxLaneRows + 1, N: 1, K: 4, LDA: 4, LDC: 1}, big, b, nil, big)
		}},
		{"rows that are not whole vectors, or too many", func() (*wgpu.Dispatch, error) {
			return k.MatmulLanes(MatmulParams{M: 1, N: 1, K: 3, LDA: 4, LDC: 1}, b, b, nil, b)
		}},
		{"Taps", func() (*wgpu.Dispatch, error) {
			return k.InProjRows(InProjRowsParams{Rows: 1, Width: 4, Channels: 1, Taps: 1}, b, b, b, b, b, b)
		}},
		{"Groups", func() (*wgpu.Dispatch, error) {
			return k.DtScanRows(DtScanStepParams{Rows: 1, Channels: 1, Rank: 4, States: 4, Groups: 2}, b, big, b, b, b, b, b)
		}},
		{"LDA", func() (*wgpu.Dispatch, error) {
			return k.Matmul(MatmulParams{M: 1, N: 1, K: 2, LDA: 1, LDC: 1}, b, b, nil, b)
		}},
		{"Weights", func() (*wgpu.Dispatch, error) {
			return k.Matmul(MatmulParams{M: 1, N: 1, K: 1, LDA: 1, LDW: 1, LDC: 1, Weights: F16}, b, b, nil, b)
		}},
		{"LDW", func() (*wgpu.Dispatch, error) {
			return k.Matmul(MatmulParams{M: 1, N: 2, K: 1, LDA: 1, LDC: 2, TransW: true}, b, b, nil, b)
		}},
		{"OffW", func() (*wgpu.Dispatch, error) {
			return k.Matmul(MatmulParams{M: 1, N: 1, K: 1, LDA: 1, OffW: 1, LDC: 1}, b, b, nil, b)
		}},
		{"a", func() (*wgpu.Dispatch, error) {
			return k.Matmul(MatmulParams{M: 2, N: 1, K: 8, LDA: 2, OffA: 1, LDC: 1, TransA: true}, b, b, nil, b)
		}},
		{"TransW", func() (*wgpu.Dispatch, error) {
			return k.Matvec(MatmulParams{M: 1, N: 1, K: 1, LDA: 1, LDW: 1, LDC: 1, TransW: true}, b, b, nil, b)
		}},
		{"scratch", func() (*wgpu.Dispatch, error) {
			return first(k.ColumnSums(ColumnSumsParams{Rows: 128, Columns: 64, Stride: 64}, rows, nil, big))
		}},
		{"sums", func() (*wgpu.Dispatch, error) {
			return first(k.ColumnSums(ColumnSumsParams{Rows: 1, Columns: 16, Stride: 16, OffOut: 1}, b, nil, b))
		}},
		{"w", func() (*wgpu.Dispatch, error) {
			return k.Matmul(MatmulParams{M: 1, N: 16, K: 4, LDA: 4, LDC: 16}, b, b, nil, b)
		}},
		{"bias", func() (*wgpu.Dispatch, error) {
			return k.Matmul(MatmulParams{M: 1, N: 1, K: 1, LDA: 1, LDC: 1, Bias: true}, b, b, nil, b)
		}},
		{"Width", func() (*wgpu.Dispatch, error) {
			return k.CausalConv(CausalConvParams{Batch: 1, Length: 1, Channels: 1, Width: 9, Stride: 1}, b, b, b, b, b)
		}},
		{"Length", func() (*wgpu.Dispatch, error) {
			return k.CausalConvStep(CausalConvParams{Batch: 1, Length: 2, Channels: 1, Width: 2, Stride: 1}, b, b, b, b, b)
		}},
		{"Offset", func() (*wgpu.Dispatch, error) {
			return k.DtProj(DtProjParams{Rows: 1, Channels: 1, Rank: 4, Stride: 4, Offset: 1}, b, b, b, b)
		}},
		{"States", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScan(with(func(p *SelectiveScanParams) { p.States = 257 }), b, b, b, nil, b, b, b, b)
		}},
		{"z", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScan(with(func(p *SelectiveScanParams) { p.HasZ, p.ZStride = true, 1 }), b, b, b, nil, b, b, b, b)
		}},
		{"u", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScan(with(func(p *SelectiveScanParams) { p.Length = 100 }), b, b, b, nil, b, b, b, b)
		}},
		{"x", func() (*wgpu.Dispatch, error) { return k.ResidualAdd(ResidualAddParams{Count: 16}, b, nil) }},
		{"Width", func() (*wgpu.Dispatch, error) {
			return k.Peaks(ChoiceParams{Rows: 1, Width: 5, Stride: 4, Ring: 1}, b, b, b, b)
		}},
		{"scores", func() (*wgpu.Dispatch, error) {
			return k.Gumbel(ChoiceParams{Rows: 1, Width: 4, Stride: 4, Ring: 1}, b, b, b, b, nil)
		}},
		{"Ring", func() (*wgpu.Dispatch, error) {
			return k.Choose(ChoiceParams{Rows: 1, Width: 4, Stride: 4}, b, b, b, b, b)
		}},
		{"bins", func() (*wgpu.Dispatch, error) {
			return k.Histogram(ChoiceParams{Rows: 1, Width: 4, Stride: 4, Ring: 1}, b, b, b, b, big)
		}},
		{"list", func() (*wgpu.Dispatch, error) {
			return k.Cut(ChoiceParams{Rows: 1, Width: 40, Stride: 40, Ring: 1}, big, b, b, b, bins, b)
		}},
		{"Rows", func() (*wgpu.Dispatch, error) { return k.RMSNorm(RMSNormParams{Width: 1}, b, b, b) }},
		{"bias", func() (*wgpu.Dispatch, error) { return k.LayerNorm(LayerNormParams{Rows: 1, Width: 1}, b, b, nil, b) }},
		{"OffMod", func() (*wgpu.Dispatch, error) {
			return k.Discretize(DiscretizeParams{Rows: 1, States: 2, Stride: 2, OffMod: 1, Modulated: true}, b, b, b)
		}},
		{"cells", func() (*wgpu.Dispatch, error) {
			return k.Discretize(DiscretizeParams{Rows: 5, States: 1, Stride: 1}, b, b, b)
		}},
		{"OffC", func() (*wgpu.Dispatch, error) {
			return k.ModulatedScan(ModulatedScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, Stride: 2, OffC: 2}, b, b, b, b, b, b, b)
		}},
		{"Length", func() (*wgpu.Dispatch, error) {
			return k.ModulatedScanStep(ModulatedScanParams{Batch: 1, Length: 2, Channels: 1, States: 1, Stride: 2}, b, b, b, b, b, b, b)
		}},
		{"OffB", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanComplex(ComplexScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 1}, b, b, b, nil, b, b, b, b)
		}},
		{"state", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanComplexStep(ComplexScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 2}, b, b, b, nil, b, b, nil, b)
		}},
		{"OffM", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScan(with(func(p *SelectiveScanParams) { p.Modulated, p.OffM = true, 2 }), b, b, b, nil, b, b, b, b)
		}},
		{"bc", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScan(with(func(p *SelectiveScanParams) { p.Modulated, p.OffM, p.BCStride = true, 16, 17 }), b, b, b, nil, b, b, b, b)
		}},
		{"OffM", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanComplex(ComplexScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 2, Modulated: true, OffM: 2}, b, b, b, nil, b, b, b, b)
		}},
		{"bc", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanComplex(ComplexScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 17, Modulated: true, OffM: 16}, b, b, b, nil, b, b, b, b)
		}},
		{"Rows", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanComplex(ComplexScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 2, Packing: Packing{Packed: true}}, b, b, b, nil, b, b, b, b)
		}},
		{"Packed", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanComplexStep(ComplexScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 2, Packing: Packing{true, 1}}, b, b, b, nil, b, b, b, b)
		}},
		{"slots", func() (*wgpu.Dispatch, error) {
			return k.ModulatedScan(ModulatedScanParams{Batch: 6, Length: 1, Channels: 1, States: 1, Stride: 1, Packing: Packing{true, 6}}, big, big, b, b, b, b, b)
		}},
		{"Packed", func() (*wgpu.Dispatch, error) {
			return k.ModulatedScanStep(ModulatedScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, Stride: 2, Packing: Packing{true, 1}}, b, b, b, b, b, b, b)
		}},
		{"SharedA", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanNaive(with(func(p *SelectiveScanParams) { p.SharedA = true }), b, b, b, nil, b, b, b, b)
		}},
		{"Modulated", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanTiled(with(func(p *SelectiveScanParams) { p.Modulated = true }), b, b, b, nil, b, b, b, b)
		}},
		{"bc", func() (*wgpu.Dispatch, error) {
			return first(k.SelectiveScanChunked(with(func(p *SelectiveScanParams) { p.BCStride, p.OffB = 18, 17 }), b, b, b, nil, b, b, b, b))
		}},
		{"y", func() (*wgpu.Dispatch, error) { return k.SelectiveScanGrouped(scan, b, b, b, nil, b, b, b, nil) }},
		{"Chunk", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanSummary(ScanSummaryParams{with(func(p *SelectiveScanParams) { p.Length = 8 }), 2}, big, big, big, b, b, b, b)
		}},
		{"Chunk", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanSummary(ScanSummaryParams{with(func(p *SelectiveScanParams) { p.Length = 8 }), 5}, big, big, big, b, b, b, b)
		}},
		{"Modulated", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanSummary(ScanSummaryParams{with(func(p *SelectiveScanParams) { p.Length, p.Modulated = 8, true }), 4}, big, big, big, b, b, b, b)
		}},
		{"delta", func() (*wgpu.Dispatch, error) { return k.SelectiveScanNaive(scan, b, nil, b, nil, b, b, b, b) }},
		{"States", func() (*wgpu.Dispatch, error) {
			return k.SelectiveScanTiled(with(func(p *SelectiveScanParams) { p.States = 0 }), b, b, b, nil, b, b, b, b)
		}},
		{"out", func() (*wgpu.Dispatch, error) {
			return k.Embedding(EmbeddingParams{Tokens: 1, Width: 17, Rows: 1, Table: F16}, b, b, b)
		}},
	} {
		_, err := c.try()
		var shape *ShapeError
		require.ErrorAs(t, err, &shape, c.arg)
		assert.Equal(t, c.arg, shape.Arg)
		assert.Contains(t, err.Error(), shape.Kernel)
	}
}
