package shaders

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/wgpu"
)

// TestScanBackwardScratch holds the size of scratch against the arrays' own: no more than
// two words for each of delta with 16 states, whatever the length, and six with more.
// Where chunks are short, as the arrays are small, it is three.
func TestScanBackwardScratch(t *testing.T) {
	var k Kernels
	for _, p := range []SelectiveScanParams{
		{Batch: 8, Length: 2048, Channels: 1024, States: 16, HasZ: true, HasD: true, HasBias: true},
		{Batch: 1, Length: 65536, Channels: 1536, States: 16, HasZ: true, HasD: true, HasBias: true},
		{Batch: 1, Length: 1 << 20, Channels: 512, States: 16},
	} {
		assert.LessOrEqual(t, k.SelectiveScanBackwardScratch(p), 2*p.Batch*p.Length*p.Channels)
	}
	small := SelectiveScanParams{Batch: 1, Length: 2048, Channels: 1536, States: 16, HasZ: true, HasD: true, HasBias: true}
	assert.Equal(t, shortChunk, small.block(0).Chunk)
	assert.LessOrEqual(t, k.SelectiveScanBackwardScratch(small), 3*small.Length*small.Channels)
	for _, states := range []int{17, 64, 256} {
		p := SelectiveScanParams{Batch: 4, Length: 2048, Channels: 1024, States: states, HasZ: true, HasD: true, HasBias: true}
		assert.LessOrEqual(t, k.SelectiveScanBackwardScratch(p), 6*p.Batch*p.Length*p.Channels, states)
	}
}

// TestScanBlockPlaces checks that the parts of scratch lie one after the other.
func TestScanBlockPlaces(t *testing.T) {
	p := ScanBlockParams{SelectiveScanParams{Batch: 2, Length: 100, Channels: 65, States: 20, HasZ: true, HasD: true, HasBias: true}, 16, 64}
	assert.Equal(t, []int{16, 4, 2, 2}, []int{p.Block(), p.Here(), p.Chunks(), p.Groups()})
	held := 2 * 2 * 16 * 65
	rows := 2*held + 2*2*65
	decays := rows + 2*200*2*16
	rest := decays + 2*2*65*20
	assert.Equal(t, []int{0, held, 2 * held, rows}, []int{p.StatesAt(), p.GradsAt(), p.SumsAt(), p.RowsAt()})
	assert.Equal(t, []int{decays, rest}, []int{p.decaysAt(), p.restAt()})
	assert.Equal(t, rest+2*2*2*65+3*200*65, p.words())
	p.SharedA = true
	assert.Equal(t, decays+2*2*2*20, p.restAt())
}

func TestScanBackwardErrors(t *testing.T) {
	d, err := wgpu.Open(&wgpu.Options{Notices: io.Discard})
	if os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" && err != nil {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer d.Close()
	k := New(d)
	b, err := d.NewBuffer("b", 4096)
	require.NoError(t, err)
	small, err := d.NewBuffer("small", 4)
	require.NoError(t, err)
	base := SelectiveScanParams{Batch: 1, Length: 2, Channels: 3, States: 4, BCStride: 8, OffC: 4, ZStride: 3, HasZ: true, HasD: true}
	buffers := func() []*wgpu.Buffer { return []*wgpu.Buffer{b, b, b, b, b, b, b, b, b, b, b, b, b} }
	call := func(p SelectiveScanParams, a []*wgpu.Buffer) error {
		_, err := k.SelectiveScanBackward(p, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12])
		return err
	}
	isFor := func(arg string, err error) {
		t.Helper()
		var shape *ShapeError
		require.ErrorAs(t, err, &shape, arg)
		assert.Equal(t, arg, shape.Arg)
	}
	for i, arg := range []string{"u", "delta", "bc", "z", "weights", "", "state", "dy", "dbc", "dz", "dweights", "dstate", "scratch"} {
		if arg != "" {
			a := buffers()
			a[i] = small
			isFor(arg, call(base, a))
		}
	}
	a := buffers()
	a[5] = nil
	isFor("slots", call(base, a))
	for arg, edit := range map[string]func(p *SelectiveScanParams){
		"States":    func(p *SelectiveScanParams) { p.States = 257 },
		"Length":    func(p *SelectiveScanParams) { p.Length = 0 },
		"OffB":      func(p *SelectiveScanParams) { p.OffB = 5 },
		"OffZ":      func(p *SelectiveScanParams) { p.OffZ = 1 },
		"Modulated": func(p *SelectiveScanParams) { p.Modulated = true },
		"Packed":    func(p *SelectiveScanParams) { p.Packing = Packing{true, 2} },
	} {
		p := base
		edit(&p)
		isFor(arg, call(p, buffers()))
	}
	block := ScanBlockParams{base, 0, 8}
	stage := func(edit func(p *ScanBlockParams)) ScanBlockParams { p := block; edit(&p); return p }
	_, err = k.ScanEnds(stage(func(p *ScanBlockParams) { p.Chunk = 12 }), b, b, b, b, b, b, b)
	isFor("Chunk", err)
	_, err = k.ScanEnds(block, b, b, b, b, b, b, small)
	isFor("scratch", err)
	_, err = k.ScanJoin(stage(func(p *ScanBlockParams) { p.First = 4 }), b, b, b, b, b)
	isFor("First", err)
	_, err = k.ScanJoin(block, small, b, b, b, b)
	isFor("weights", err)
	_, err = k.ScanRows(block, b, small)
	isFor("dbc", err)
}
