package mamba

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	for _, a := range []string{"go", "0"} {
		m, err := Load("../testdata/reference-lm", &Options{Adapter: a})
		require.NoError(t, err)
		var e struct{ Cases []struct{ Prompt string; Ids, Greedy_ids []int } }
		b, _ := os.ReadFile("../testdata/reference-lm/expected.json")
		require.NoError(t, json.Unmarshal(b, &e))
		for _, c := range e.Cases {
			var got []int
			text := ""
			for tok, err := range m.Generate(context.Background(), c.Prompt, &GenerateOptions{MaxTokens: 64, IgnoreEOS: true}) {
				require.NoError(t, err)
				got = append(got, tok.ID)
				text += tok.Text
			}
			t.Log(text)
			require.Equal(t, c.Greedy_ids, got[:64])
		}
		m.Close()
	}
}
