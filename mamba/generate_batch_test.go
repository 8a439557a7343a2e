package mamba

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGenerateBatch: several prompts of different lengths at once give what
// each gives alone, greedily and by sampling, and end each by itself.
func TestGenerateBatch(t *testing.T) {
	prompts := [][]int{{36, 478, 483, 2305, 3960, 66, 776, 15}, {39}, {39, 70, 1018, 14, 36, 4029, 269, 261, 1637}}
	onBackends(t, func(t *testing.T, m *Model) {
		for _, opts := range []GenerateOptions{
			{MaxTokens: 12},
			{MaxTokens: 12, Temperature: 0.9, TopK: 40, Seed: 5, Stop: []string{" the"}},
		} {
			texts, ids := make([]string, 3), make([][]int, 3)
			for tok, err := range m.GenerateBatch(context.Background(), prompts, &opts) {
				require.NoError(t, err)
				texts[tok.Row] += tok.Text
				if tok.ID != NoToken {
					ids[tok.Row] = append(ids[tok.Row], tok.ID)
				}
			}
			for row, prompt := range prompts {
				text, alone := "", []int(nil)
				for tok, err := range m.GenerateIDs(context.Background(), prompt, &opts) {
					require.NoError(t, err)
					text += tok.Text
					if tok.ID != NoToken {
						alone = append(alone, tok.ID)
					}
				}
				assert.Equal(t, alone, ids[row], "row %d", row)
				assert.Equal(t, text, texts[row], "row %d", row)
			}
		}
	})
}

func TestGenerateBatchRefuses(t *testing.T) {
	m := newTiny(t, Options{Adapter: GoAdapter})
	s, err := m.NewState()
	require.NoError(t, err)
	defer s.Close()
	for _, err := range m.GenerateBatch(context.Background(), [][]int{{1}, {2}}, &GenerateOptions{State: s}) {
		var bad *OptionError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, "State", bad.Name)
	}
	for _, err := range m.GenerateBatch(context.Background(), [][]int{{1}, {}}, nil) {
		require.ErrorIs(t, err, ErrEmptyPrompt)
	}
	for range m.GenerateBatch(context.Background(), nil, nil) {
		t.Fatal("no prompts give no tokens")
	}
}
