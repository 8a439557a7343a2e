package mamba

import (
	"encoding/json"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// expectation is what mamba-ssm computed for one prompt.
type expectation struct {
	Prompt     string    `json:"prompt"`
	IDs        []int     `json:"ids"`
	GreedyIDs  []int     `json:"greedy_ids"`
	GreedyText string    `json:"greedy_text"`
	First16    []float32 `json:"logits_last_first16"`
	Max        float32   `json:"logits_last_max"`
	LogSumExp  float32   `json:"logsumexp_last"`
}

var expectations = sync.OnceValues(func() ([]expectation, error) {
	data, err := os.ReadFile(reference + "/expected.json")
	if err != nil {
		return nil, err
	}
	var e struct{ Cases []expectation }
	return e.Cases, json.Unmarshal(data, &e)
})

func expected(t testing.TB) []expectation {
	t.Helper()
	cases, err := expectations()
	require.NoError(t, err)
	require.Len(t, cases, 8)
	return cases
}

// TestReferenceGreedy generates what the reference implementation does.
func TestReferenceGreedy(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		for _, c := range expected(t) {
			tokens := m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: len(c.GreedyIDs), IgnoreEOS: true})
			ids, text := collect(t, tokens)
			assert.Equal(t, c.GreedyIDs, ids, c.Prompt)
			assert.Equal(t, c.GreedyText, text, c.Prompt)
		}
	})
}

// TestReferenceGreedyBatch takes all prompts on at once.
func TestReferenceGreedyBatch(t *testing.T) {
	onAll(t, func(t *testing.T, m *Model) {
		cases := expected(t)
		states := newStates(t, m, len(cases))
		ids, got := make([][]int, len(cases)), make([][]int, len(cases))
		for i, c := range cases {
			ids[i] = c.IDs
		}
		const tokens = 8
		for range tokens {
			rows, err := m.PrefillBatch(ctx, states, ids)
			require.NoError(t, err)
			for i, row := range rows {
				ids[i] = []int{argmaxOf(row)}
				got[i] = append(got[i], ids[i][0])
			}
		}
		for i, c := range cases {
			assert.Equal(t, c.GreedyIDs[:tokens], got[i], c.Prompt)
		}
		closeStates(states...)
	})
}

// TestReferenceLogits compares the logits after each prompt.
func TestReferenceLogits(t *testing.T) {
	onAll(t, func(t *testing.T, m *Model) {
		var seen errorsSeen
		for _, c := range expected(t) {
			logits := alone(t, m, c.IDs)
			got := append(append([]float32{}, logits[:16]...), logits[argmaxOf(logits)], float32(logSumExp(logits)))
			want := append(append([]float32{}, c.First16...), c.Max, c.LogSumExp)
			seen.within(t, 1e-4, got, want, c.Prompt)
		}
		seen.log(t)
	})
}

func logSumExp(v []float32) float64 {
	top, sum := float64(v[argmaxOf(v)]), 0.0
	for _, x := range v {
		sum += math.Exp(float64(x) - top)
	}
	return top + math.Log(sum)
}

// TestReferenceEncode ties the prompts to their ids.
func TestReferenceEncode(t *testing.T) {
	m, err := onGo()
	require.NoError(t, err)
	for _, c := range expected(t) {
		assert.Equal(t, c.IDs, m.Tokenizer().Encode(c.Prompt))
	}
	assert.Equal(t, 4096, m.Config().VocabSize)
	assert.Equal(t, GoAdapter, m.Adapter())
	assert.Equal(t, checkpoint.HuggingFace, m.Config().Layout)
}
