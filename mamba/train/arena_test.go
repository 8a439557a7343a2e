package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// sized is a weight of tensors of such sizes, every other of which decays.
func sized(words ...int) *weight[int] {
	w := &weight[int]{}
	for i, n := range words {
		p := part{Parameter: Parameter{Decays: i%2 == 0}, first: w.words, rows: 1, cols: n, stride: n}
		w.parts, w.words = append(w.parts, p), w.words+n
	}
	return w
}

// TestLayArenas: weights in order, each where a binding may begin, as many in an arena as
// it has room for, and runs that are the parts and nothing else.
func TestLayArenas(t *testing.T) {
	const long = shaders.RunLength + 1
	room := sized(10)
	room.words += 3 // which belongs to no part
	weights := []*weight[int]{sized(5, 7), room, sized(64), sized(long), sized(1)}
	list := layArenas(weights, 64, long)
	require.Len(t, list, 3)
	require.Equal(t, weights[:3], list[0].weights)
	require.Equal(t, 192, list[0].words)
	require.Equal(t, []shaders.Run{{First: 0, Count: 5, Decays: true}, {First: 5, Count: 7}, {First: 64, Count: 10, Decays: true},
		{First: 128, Count: 64, Decays: true}}, list[0].runs)
	require.Equal(t, []shaders.Run{{First: 0, Count: shaders.RunLength, Decays: true}, {First: shaders.RunLength, Count: 1, Decays: true}}, list[1].runs)
	require.Equal(t, []shaders.Run{{First: 0, Count: 1, Decays: true}}, list[2].runs)
	require.Equal(t, []int{0, 4, 6}, []int{list[0].firstSum, list[1].firstSum, list[2].firstSum})
	require.Equal(t, 1, weights[0].parts[1].firstSum)
	require.Equal(t, 2, weights[3].parts[0].sums())

	// One that no binding holds has an arena, whose array cannot be made.
	require.Len(t, layArenas([]*weight[int]{sized(1), sized(9), sized(1)}, 1, 8), 3)
}

// An update is as few dispatches as there are arenas.
func TestUpdateRunsOnceAnArena(t *testing.T) {
	tr := newTrainer(t, evenConfig(), Options{Device: device(t), Batch: 1, SeqLen: 4})
	e := tr.run.(*engine[*wgpu.Buffer])
	require.Len(t, e.net.arenas, 1)
	r := recorder{machine: e.machine.(*gpuMachine)}
	e.net.clearGradients(&r)
	e.net.update(&r, e.opts)
	require.NoError(t, r.err)
	defer closePasses(r.passes)
	require.Len(t, r.passes, 1)
	require.Equal(t, 3, r.passes[0].Dispatches(), "square_sums, clip_scale, adamw")
}
