package train

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A loss that falls, then jumps up and stays there, is caught 100 steps after the
// mean of 20 has risen by one; what is saved and loaded in between changes nothing.
func TestWatchCatchesRise(t *testing.T) {
	var w watch
	for step := 1; step <= 300; step++ {
		loss := 5 - 0.01*float64(step)
		if step > 100 {
			loss = 8
		}
		err := w.add(step, loss)
		if step <= 105 {
			require.False(t, w.risen(), step)
		}
		data, _ := json.Marshal(w)
		w = watch{}
		require.NoError(t, json.Unmarshal(data, &w))
		if err == nil {
			continue
		}
		var e *RisenError
		require.ErrorAs(t, err, &e)
		require.Equal(t, 100, e.BestStep)
		require.InDelta(t, 5-0.01*90.5, e.Best, 1e-9)
		require.InDelta(t, 8, e.Loss, 1e-9)
		// The first mean that is one above: 6 of 20 losses are 8.
		require.Equal(t, 106+watchPatience-1, step)
		require.ErrorContains(t, err, "diverged at step 205: the loss, 8 over the last 20 steps, has been 1 nat or more above the 4.095 of step 100 for 100 steps")
		return
	}
	t.Fatal("not caught")
}

func TestWatchForgives(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var w watch
	for step := 1; step <= 2000; step++ {
		loss := 4 + 0.8*r.NormFloat64() // noise
		if step%150 > 60 && step%150 < 120 {
			loss += 3 // and humps shorter than the watch's patience
		}
		require.NoError(t, w.add(step, loss))
	}
}
