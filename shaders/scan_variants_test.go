package shaders_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TestEveryScanForm runs cases of selective_scan in every form that it has for them: those that
// need no other code than the form's, for few numbers of states, so that a form is
// compiled for few sources.
func TestEveryScanForm(t *testing.T) {
	k := open(t, nil)
	ran := map[string]int{}
	for _, c := range cases.Of("selective_scan") {
		p := c.Params.(shaders.SelectiveScanParams)
		if !slices.Contains([]int{3, 16, 128}, p.States) || !p.HasZ || !p.HasD || p.HasBias || p.Softplus || p.Fresh ||
			p.SharedA != p.Modulated || p.Modulated && p.Length != 33 {
			continue
		}
		want := c.RunTwin()
		for _, form := range shaders.Variants("selective_scan", p, k.Device().Limits(), wgpu.Discrete) {
			k.Tune(shaders.Tuning{"selective_scan": form})
			got, err := c.RunGPU(k)
			require.NoError(t, err, "%s: %s", form, c)
			assert.NoError(t, cases.Compare(c, got, want), form)
			ran[form]++
		}
	}
	chunked := 0
	for form := range ran {
		if strings.Contains(form, "c") {
			chunked++
		}
	}
	assert.Greater(t, len(ran)-chunked, 3)
	assert.Greater(t, chunked, 3)
	t.Log(ran)
}
