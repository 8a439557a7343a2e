package cpu

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestSoftplus(t *testing.T) {
	assert.InDelta(t, math.Ln2, softplus(0), 1e-16)
	assert.InEpsilon(t, 1.3132616875182228, softplus(1), 1e-15)
	assert.InEpsilon(t, math.Exp(-30), softplus(-30), 1e-12, "a small result keeps its digits")
	assert.InEpsilon(t, math.Exp(-700), softplus(-700), 1e-12)
	assert.Equal(t, 100.0, softplus(100))
	assert.Equal(t, 1e300, softplus(1e300), "no overflow")
	assert.Equal(t, 0.0, softplus(math.Inf(-1)))
	assert.True(t, math.IsNaN(softplus(math.NaN())))
}

func TestSiLU(t *testing.T) {
	assert.Equal(t, 0.0, silu(0))
	assert.InEpsilon(t, 0.7310585786300049, silu(1), 1e-15)
	assert.InEpsilon(t, -0.2689414213699951, silu(-1), 1e-15)
	assert.Equal(t, 1e4, silu(1e4))
	assert.Zero(t, silu(-1e4))
}

// TestActivationIdentities checks softplus(x) - softplus(-x) = x and
// silu(x) + silu(-x) = x tanh(x/2) and silu(x) - silu(-x) = x.
func TestActivationIdentities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-50, 50).Draw(t, "x")
		assert.InDelta(t, x, softplus(x)-softplus(-x), 1e-13)
		assert.InDelta(t, x*math.Tanh(x/2), silu(x)+silu(-x), 1e-13)
		assert.InDelta(t, x, silu(x)-silu(-x), 1e-13)
	})
}
