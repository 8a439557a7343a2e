package train

import "math"

// Decay is how the learning rate goes on after the warm-up.
type Decay string

// The ways of the learning rate.
const (
	DecayConstant Decay = "constant" // it stays
	DecayLinear   Decay = "linear"   // along a line
	DecayCosine   Decay = "cosine"   // along half a cosine (arXiv 1608.03983)
)

// Schedule is the learning rate of each step: it climbs to Peak along a line during
// the warm-up, and from there reaches Final with the last step.
type Schedule struct {
	Decay  Decay   `json:"decay"`
	Peak   float64 `json:"peak"`
	Final  float64 `json:"final"` // not looked at if the decay is constant
	Warmup int     `json:"warmup"`
	Steps  int     `json:"steps"`
}

// DefaultSchedule is the recipe of the reference model, for any number of steps:
// 3e-3 after 100 steps or a sixth of all, down to 2.4e-3 along a line.
func DefaultSchedule(steps int) Schedule {
	return Schedule{Decay: DecayLinear, Peak: 3e-3, Final: 2.4e-3, Warmup: min(100, steps/6), Steps: steps}
}

// Rate is the learning rate of a step, counted from 1.
func (s Schedule) Rate(step int) float64 {
	if step < s.Warmup {
		return s.Peak * float64(step) / float64(s.Warmup)
	}
	part := 1.0
	if s.Steps > s.Warmup {
		part = float64(min(step, s.Steps)-s.Warmup) / float64(s.Steps-s.Warmup)
	}
	switch s.Decay {
	case DecayLinear:
		return s.Peak + (s.Final-s.Peak)*part
	case DecayCosine:
		return s.Final + (s.Peak-s.Final)*(1+math.Cos(math.Pi*part))/2
	}
	return s.Peak
}

func (s Schedule) check() error {
	rate := func(v float64) bool { return v >= 0 && v < math.MaxFloat32 }
	switch {
	case s.Decay != DecayConstant && s.Decay != DecayLinear && s.Decay != DecayCosine:
		return &OptionError{Name: "Schedule.Decay", Got: string(s.Decay), Want: "constant, linear or cosine"}
	case !rate(s.Peak) || s.Peak == 0:
		return &OptionError{Name: "Schedule.Peak", Got: s.Peak, Want: "a number above 0"}
	case !rate(s.Final):
		return &OptionError{Name: "Schedule.Final", Got: s.Final, Want: "0 or more"}
	case s.Steps < 1:
		return &OptionError{Name: "Schedule.Steps", Got: s.Steps, Want: "1 or more"}
	case s.Warmup < 0 || s.Warmup > s.Steps:
		return &OptionError{Name: "Schedule.Warmup", Got: s.Warmup, Want: "0 or more, and no more than there are steps"}
	}
	return nil
}
