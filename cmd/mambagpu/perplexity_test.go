package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/mambagpu/mambagpu/mamba"
	referencelm "github.com/mambagpu/mambagpu/testdata/reference-lm"
	"github.com/stretchr/testify/require"
)

func TestCutWindows(t *testing.T) {
	ids := []int{0, 1, 2, 3, 4, 5, 6}
	require.Equal(t, []window{
		{[]int{0, 1, 2}, []int{1, 2, 3}}, // the last target is the next window's first token
		{[]int{3, 4, 5}, []int{4, 5, 6}},
	}, cutWindows(ids, 3, 0))
	require.Equal(t, []window{
		{[]int{0, 1, 2, 3}, []int{1, 2, 3, 4}},
		{[]int{4, 5}, []int{5, 6}},
	}, cutWindows(ids, 4, 100))
	require.Equal(t, []window{{[]int{0, 1, 2, 3}, []int{1, 2, 3, 4}}, {[]int{4}, []int{5}}}, cutWindows(ids, 4, 5))
	require.Empty(t, cutWindows(ids[:1], 4, 0))
	require.Empty(t, cutWindows(nil, 4, 0))
}

func TestReadText(t *testing.T) {
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "a.txt"), filepath.Join(dir, "a.txt.GZ")
	const text = "Call me Ishmael.\r\n"
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(plain, []byte(text), 0o600))
	require.NoError(t, os.WriteFile(packed, b.Bytes(), 0o600))
	for _, file := range []string{plain, packed} {
		got, err := readText(file)
		require.NoError(t, err)
		require.Equal(t, text, got)
	}
	require.NoError(t, os.WriteFile(packed, b.Bytes()[:b.Len()-9], 0o600))
	_, err := readText(packed)
	require.ErrorContains(t, err, packed)
}

func TestScoreWindows(t *testing.T) {
	model, err := mamba.LoadFS(referencelm.FS, ".", &mamba.Options{Adapter: mamba.GoAdapter})
	require.NoError(t, err)
	defer model.Close()
	state, err := model.NewState()
	require.NoError(t, err)
	a := &app{stderr: io.Discard}
	score := func(text string, size int) perplexity {
		var p perplexity
		windows := cutWindows(model.Tokenizer().Encode(text), size, 0)
		require.NoError(t, a.scoreWindows(context.Background(), model, state, windows, &p))
		return p
	}
	const text = "And the whale fishery, the Sperm Whale's head, and"
	known, odd := score(text, 1024), score("head whale and And Sperm the the fishery the 's Whale, ,", 1024)
	require.Less(t, known.Perplexity, 20.0) // the model goes on like this by itself
	require.Greater(t, odd.Perplexity, 10*known.Perplexity)
	require.InDelta(t, math.Exp(known.NLL), known.Perplexity, 1e-9)
	require.Greater(t, score(text, 3).Perplexity, known.Perplexity) // it knows less in short windows
}
