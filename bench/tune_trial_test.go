package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
)

// Variants of one case share its arrays, and none is judged by what the one before left.
func TestTrial(t *testing.T) {
	dev := device(t, nil)
	for _, c := range []kernelCase{product(33, 72, 256, shaders.F16), scan(2, 70, 48, 16)} {
		s := c.steps[0]
		k := shaders.New(dev)
		trial := &deviceTrial{c: &c, kernels: k}
		var err error
		trial.buffers, err = c.prepare(dev)
		require.NoError(t, err)
		trial.want, err = c.expect()
		require.NoError(t, err)
		variants := shaders.Variants(s.kernel, s.params, dev.Limits(), dev.Info().Kind)
		require.Greater(t, len(variants), 2)
		for _, v := range []string{variants[0], variants[len(variants)-1]} {
			run, err := trial.add(v)
			require.NoError(t, err, v)
			us, err := run(2)
			require.NoError(t, err)
			require.Positive(t, us)
			require.NoError(t, trial.reset())
			var wrong *cases.MismatchError
			require.ErrorAs(t, trial.want.compare(trial.buffers), &wrong)
		}
		require.LessOrEqual(t, len(trial.scratch), 1)
		trial.close()
	}
}
