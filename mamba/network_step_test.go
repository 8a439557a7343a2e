package mamba

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

func TestStepForm(t *testing.T) {
	const most = 1 << 25 // elements of a default binding
	m130 := ModelConfig{DModel: 768, DInner: 1536, DState: 16, DConv: 4, DTRank: 48}
	m28 := ModelConfig{DModel: 2560, DInner: 5120, DState: 16, DConv: 4, DTRank: 160}
	wide := ModelConfig{DModel: 768, DInner: 1536, DState: 256, DConv: 4, DTRank: 600}
	assert.Equal(t, stepForm{group: 16, whole: true}, newStepForm(m130, 1, most, 1, false))
	assert.Equal(t, stepForm{group: 32, whole: true}, newStepForm(m28, 1, most, 1, false))
	assert.Equal(t, stepForm{group: 16, whole: true}, newStepForm(m28, 1, most, 1, true), "integers")
	assert.Equal(t, stepForm{group: 64}, newStepForm(m28, 1, most, 2, false), "W_in in two buffers")
	assert.Equal(t, stepForm{group: 1536, many: true}, newStepForm(m130, shaders.MinLaneRows, most, 1, false))
	assert.Equal(t, stepForm{group: 5120, many: true}, newStepForm(m28, 8, most, 1, true))
	assert.Equal(t, stepForm{group: 64}, newStepForm(m28, 8, most, 2, false), "W_in in two buffers")
	assert.Equal(t, stepForm{group: 1536, many: true}, newStepForm(m130, shaders.MaxLaneRows, most, 1, false))
	assert.Equal(t, 64*80, newStepForm(m130, 64, most, 1, false).parts(m130, 64))
	assert.Equal(t, stepForm{group: 64, sums: true}, newStepForm(m130, shaders.MaxLaneRows+1, most, 1, false))
	assert.Equal(t, stepForm{group: 64, sums: true}, newStepForm(m28, 64, most, 1, false), "longer rows than lanes should share")
	assert.Zero(t, newStepForm(wide, 1, most, 1, false), "more outputs of x_proj than a workgroup sums")
	assert.Zero(t, newStepForm(m28, 4096, most, 1, false), "sums past a binding")
	assert.Equal(t, 96*80, stepForm{group: 16}.parts(m130, 1))
	assert.Zero(t, stepForm{}.parts(m130, 1))
}

// TestStepDispatches counts what a step takes: two kernels a layer, one that ends them, and the
// embedding, the head and the choice.
func TestStepDispatches(t *testing.T) {
	onModel(t, "gpu", onGPU, func(t *testing.T, m *Model) {
		states := newStates(t, m, 1)
		defer closeStates(states...)
		before := m.Usage().Dispatches
		_, err := m.Step(ctx, states, []int{1})
		require.NoError(t, err)
		require.Equal(t, 2*m.config.NLayer+3, m.Usage().Dispatches-before)
	})
}

// TestStepRows takes steps of one sequence, and of as many as those around which other
// kernels run: in_proj_step takes two, a workgroup of in_proj_rows eight, of the models
// whose dt comes in whole vectors, matvec and a workgroup of x_proj_step eight, of the
// others, in_proj_rows 64, past which x_proj's sums over three groups are added up. One model has a bias of
// the convolution, another of the projections, and one is so wide that z's product runs
// beside the scan.
func TestStepRows(t *testing.T) {
	dev := device(t)
	for i, c := range []ModelConfig{
		{DModel: 24, DInner: 48, DState: 16, DConv: 4, DTRank: 2, VocabSize: 131, UseConvBias: true},
		{DModel: 32, DInner: 160, DState: 16, DConv: 4, DTRank: 4, VocabSize: 131, UseConvBias: true},
		{DModel: 17, DInner: 35, DState: 5, DConv: 2, DTRank: 3, VocabSize: 67, UseBias: true, Tied: true},
		{DModel: 1000, DInner: 1600, DState: 16, DConv: 4, DTRank: 12, VocabSize: 67, UseConvBias: true},
	} {
		c.Layout, c.NLayer, c.NormEps = checkpoint.HuggingFace, 2, 1e-5
		dtype := []checkpoint.DType{checkpoint.F16, checkpoint.F16, checkpoint.F32, checkpoint.F32}[i]
		dir := writeFolder(t, c, randomTensors(t, c, func(string) checkpoint.DType { return dtype }))
		m, want := open(t, dir, Options{Device: dev}), open(t, dir, Options{Adapter: GoAdapter})
		assert.Equal(t, i == 3, m.backend.(*gpuBackend).net.splits(&m.backend.(*gpuBackend).net.blocks[0]))
		stepsAgree(t, m, want, []int{1, 2, 3, 8, 9, 17, 64, 65}[:[]int{8, 8, 8, 3}[i]]...)
	}
}

// stepsAgree takes three steps of each number of sequences with both models.
func stepsAgree(t *testing.T, m, want *Model, rows ...int) {
	t.Helper()
	var seen errorsSeen
	for _, rows := range rows {
		var got, exact [][][]float32
		for _, side := range []struct {
			m   *Model
			out *[][][]float32
		}{{m, &got}, {want, &exact}} {
			states, ids := newStates(t, side.m, rows), make([]int, rows)
			for step := range 3 {
				for k := range ids {
					ids[k] = (7*k + 5*step + 1) % m.config.VocabSize
				}
				logits, err := side.m.Step(ctx, states, ids)
				require.NoError(t, err)
				*side.out = append(*side.out, logits)
			}
			closeStates(states...)
		}
		for step := range got {
			for k := range got[step] {
				seen.within(t, parity, got[step][k], exact[step][k], fmt.Sprintf("step %d, row %d of %d", step, k, rows))
			}
		}
	}
	seen.log(t)
}

// TestStepReady takes steps in which a layer makes the row ready for the next, in models as
// small as tests like them: of three layers, the first takes it as it is, and the last
// leaves none.
func TestStepReady(t *testing.T) {
	before := splitBytes
	splitBytes = 0
	defer func() { splitBytes = before }()
	c := ModelConfig{DModel: 96, DInner: 192, DState: 16, DConv: 4, DTRank: 8, VocabSize: 67, UseConvBias: true}
	c.Layout, c.NLayer, c.NormEps = checkpoint.HuggingFace, 3, 1e-5
	dir := writeFolder(t, c, randomTensors(t, c, func(string) checkpoint.DType { return checkpoint.F32 }))
	for _, w := range []Weights{WeightsQ4, WeightsQ8, WeightsAsStored} {
		m, want := open(t, dir, Options{Device: device(t), Weights: w}), open(t, dir, Options{Adapter: GoAdapter, Weights: w})
		g := m.backend.(*gpuBackend)
		assert.True(t, g.net.splits(&g.net.blocks[0]))
		assert.Equal(t, w != WeightsAsStored, g.wantedForm(batch{rows: 1}).ready)
		assert.False(t, g.wantedForm(batch{rows: 2}).ready)
		stepsAgree(t, m, want, 1, 2)
	}
}
