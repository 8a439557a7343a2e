package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSchedule(t *testing.T) {
	line := Schedule{Decay: DecayLinear, Peak: 3, Final: 1, Warmup: 4, Steps: 12}
	cosine, constant := line, line
	cosine.Decay, constant.Decay = DecayCosine, DecayConstant
	for _, c := range []struct {
		step                   int
		line, cosine, constant float64
	}{
		{1, 0.75, 0.75, 0.75}, {2, 1.5, 1.5, 1.5}, {4, 3, 3, 3},
		{6, 2.5, 2 + math.Sqrt2/2, 3}, {8, 2, 2, 3}, {12, 1, 1, 3}, {13, 1, 1, 3},
	} {
		require.InDelta(t, c.line, line.Rate(c.step), 1e-12, "step %d", c.step)
		require.InDelta(t, c.cosine, cosine.Rate(c.step), 1e-12, "step %d", c.step)
		require.InDelta(t, c.constant, constant.Rate(c.step), 1e-12, "step %d", c.step)
	}
	none := Schedule{Decay: DecayLinear, Peak: 2, Final: 1, Steps: 1}
	require.InDelta(t, 1, none.Rate(1), 0)
}

// The recipe of the reference model.
func TestDefaultSchedule(t *testing.T) {
	s := DefaultSchedule(600)
	require.NoError(t, s.check())
	require.InDelta(t, 3e-5, s.Rate(1), 1e-12)
	require.InDelta(t, 3e-3, s.Rate(100), 1e-12)
	require.InDelta(t, 2.7e-3, s.Rate(350), 1e-12)
	require.InDelta(t, 2.4e-3, s.Rate(600), 1e-12)
	require.Equal(t, 5, DefaultSchedule(30).Warmup)
	require.NoError(t, DefaultSchedule(1).check())
}

func TestScheduleErrors(t *testing.T) {
	for name, change := range map[string]func(*Schedule){
		"Schedule.Decay":  func(s *Schedule) { s.Decay = "square" },
		"Schedule.Peak":   func(s *Schedule) { s.Peak = math.NaN() },
		"Schedule.Final":  func(s *Schedule) { s.Final = -1 },
		"Schedule.Warmup": func(s *Schedule) { s.Warmup = 601 },
		"Schedule.Steps":  func(s *Schedule) { s.Steps = 0 },
	} {
		s := DefaultSchedule(600)
		change(&s)
		var e *OptionError
		require.ErrorAs(t, s.check(), &e, name)
		require.Equal(t, name, e.Name)
	}
}
