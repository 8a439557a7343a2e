package bench

import (
	"bytes"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLossCurve(t *testing.T) {
	c := LossCurve{Title: "Training of a model"}
	require.Error(t, c.Write(new(bytes.Buffer), "svg"))
	c.Steps, c.Losses = []int{1}, []float64{6.9}
	for range 2 { // one step, then many
		for _, format := range []string{"svg", "png"} {
			var b bytes.Buffer
			require.NoError(t, c.Write(&b, format))
			if format == "png" {
				_, err := png.Decode(&b)
				require.NoError(t, err)
				continue
			}
			require.Contains(t, b.String(), "Training of a model")
			require.Contains(t, b.String(), "nats a token")
			require.Equal(t, len(c.Valids) > 0, bytes.Contains(b.Bytes(), []byte("validation")))
		}
		for step := 2; step < 400; step++ {
			c.Steps, c.Losses = append(c.Steps, step), append(c.Losses, 3+4/float64(step))
		}
		c.ValidSteps, c.Valids = []int{100, 200}, []float64{3.2, 3.1}
	}
	require.Error(t, c.Write(new(bytes.Buffer), "pdf"))
}

func TestMeanOver(t *testing.T) {
	require.InDeltaSlice(t, []float64{1.5, 2, 3, 3.5}, meanOver([]float64{1, 2, 3, 4}, 1), 1e-12)
	require.Equal(t, []float64{1, 2}, meanOver([]float64{1, 2}, 0))
	least, most := between([]*curve{{x: []float64{1, 3}}, {x: []float64{2, 11}}}, func(c *curve) []float64 { return c.x })
	require.InDelta(t, 0.6, least, 1e-12)
	require.InDelta(t, 11.4, most, 1e-12)
}
