package bench

import (
	"context"
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/mamba"
)

// differError says that a model contradicts itself.
type differError struct{ worst float64 }

func (e *differError) Error() string {
	return fmt.Sprintf("bench: logits of a prompt at once and token by token differ by %.2g of the largest, more than %.0e", e.worst, modelTolerance)
}

// modelTolerance bounds the difference of the same logits through other
// kernels, relative to the largest.
const modelTolerance = 1e-3

// checkModel compares a prompt at once, which is long enough for the kernels
// of prefill, with the same prompt token by token.
func checkModel(ctx context.Context, m *mamba.Model) error {
	prompt := ids(m.Config().VocabSize, 0, 12)
	s, err := m.NewState()
	if err != nil {
		return err
	}
	defer s.Close()
	once, err := m.Prefill(ctx, s, prompt)
	if err != nil {
		return err
	}
	if err := s.Reset(); err != nil {
		return err
	}
	var last []float32
	for i := range prompt {
		if last, err = m.Prefill(ctx, s, prompt[i:i+1]); err != nil {
			return err
		}
	}
	largest, worst := 0.0, 0.0
	for i, v := range once {
		largest = max(largest, math.Abs(float64(v)))
		worst = max(worst, math.Abs(float64(v)-float64(last[i])))
	}
	if !(worst <= modelTolerance*largest) {
		return &differError{worst / largest}
	}
	return nil
}
