package shaders_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

func layersStep(workgroups int) shaders.LayersStepParams {
	return shaders.LayersStepParams{
		Layers: 3, Width: 64, Channels: 64, Taps: 4, Rank: 4, States: 16, Slots: 3, Eps: 1e-5, ConvBias: true, Workgroups: workgroups,
		Weights: shaders.F16, XWeights: shaders.F16, DtWeights: shaders.F16, OutWeights: shaders.F16,
	}
}

// TestLayersStepTogether runs as many workgroups as the device is found to run at the
// same time, several steps one after the other, each of which finds mail as the one
// before left it.
func TestLayersStepTogether(t *testing.T) {
	k := open(t, nil)
	p := layersStep(1)
	workgroups, err := k.LayersStepWorkgroups(p)
	require.NoError(t, err)
	require.NotZero(t, workgroups, "one workgroup waits for nobody")
	t.Log(workgroups, "workgroups on", k.Device().Info().Name)
	p.Workgroups = workgroups
	c := cases.LayersStepCase(p)
	const steps = 5
	got, err := c.RunGPUBy(k, func(b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		runs, err := c.Dispatch(k, b)
		all := runs
		for range steps - 1 {
			all = append(all, runs...)
		}
		return all, err
	})
	require.NoError(t, err)
	want := c.Args()
	for range steps {
		f := func(i int) []float32 { return want[i].F32 }
		cpu.LayersStep(p, f(0), f(1), f(2), want[3].U32, f(4), f(5), f(6), f(7), f(8), f(9), want[10].U32)
	}
	c.Tol.Abs, c.Tol.Rel = steps*c.Tol.Abs, steps*c.Tol.Rel
	assert.NoError(t, cases.Compare(c, got, want))
}

// TestLayersStepShort has workgroups wait for one that does not run: the dispatch ends and
// says so in mail.
func TestLayersStepShort(t *testing.T) {
	k := open(t, nil)
	p := layersStep(2)
	c := cases.LayersStepCase(p)
	mail, err := k.Device().NewBuffer("mail", 4*uint64(p.MailWords()))
	require.NoError(t, err)
	_, err = c.RunGPUBy(k, func(b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		run, err := k.LayersStepShort(p, 1, append(b[:10:10], mail))
		return []*wgpu.Dispatch{run}, err
	})
	require.NoError(t, err)
	var flag [1]uint32
	require.NoError(t, wgpu.Download(mail, 0, flag[:]))
	assert.Equal(t, uint32(1), flag[0])
}

// TestLayersStepSizes finds the sizes that the kernel takes, and refuses the others.
func TestLayersStepSizes(t *testing.T) {
	limits := wgpu.DefaultLimits()
	m130 := shaders.LayersStepParams{
		Layers: 24, Width: 768, Channels: 1536, Taps: 4, Rank: 48, States: 16, Slots: 1, ConvBias: true, Workgroups: 128,
		Weights: shaders.F16, XWeights: shaders.F16, DtWeights: shaders.F16, OutWeights: shaders.F16,
	}
	assert.False(t, shaders.LayersStepFits(m130, limits), "too few bindings")
	limits.MaxStorageBuffers = 11
	assert.True(t, shaders.LayersStepFits(m130, limits))
	for name, edit := range map[string]func(p *shaders.LayersStepParams){
		"too much for registers":          func(p *shaders.LayersStepParams) { p.Workgroups = 16 },
		"more channels than invocations":  func(p *shaders.LayersStepParams) { p.Workgroups = 1 },
		"more weights than registers":     func(p *shaders.LayersStepParams) { p.Width, p.Channels, p.Rank = 2560, 5120, 160 },
		"a row that ends within 16 bytes": func(p *shaders.LayersStepParams) { p.Channels = 1540 },
		"states that are no quads":        func(p *shaders.LayersStepParams) { p.States = 15 },
		"integers":                        func(p *shaders.LayersStepParams) { p.Weights = shaders.Q8 },
	} {
		p := m130
		edit(&p)
		assert.False(t, shaders.LayersStepFits(p, limits), name)
	}
}
