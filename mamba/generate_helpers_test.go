package mamba

import (
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// collect gives the ids and the text of a generation.
func collect(t testing.TB, tokens iter.Seq2[Token, error]) (ids []int, text string) {
	t.Helper()
	var b strings.Builder
	for token, err := range tokens {
		require.NoError(t, err)
		if token.ID != NoToken {
			ids = append(ids, token.ID)
		}
		b.WriteString(token.Text)
	}
	return ids, b.String()
}

// failure gives the error that ends a generation.
func failure(tokens iter.Seq2[Token, error]) (n int, err error) {
	for _, err = range tokens {
		if err == nil {
			n++
		}
	}
	return n, err
}
