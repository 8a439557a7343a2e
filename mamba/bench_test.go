package mamba

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// benchModel is the folder of the model that benchmarks load: the environment
// variable MAMBAGPU_BENCH_MODEL, or the reference model.
func benchModel() string {
	if dir := os.Getenv("MAMBAGPU_BENCH_MODEL"); dir != "" {
		return dir
	}
	return "../testdata/reference-lm"
}

func loadBench(b *testing.B) *Model {
	b.Helper()
	m, err := Load(benchModel(), &Options{Notices: io.Discard})
	require.NoError(b, err)
	b.Cleanup(func() { m.Close() })
	return m
}

func BenchmarkLoad(b *testing.B) {
	info, err := os.Stat(benchModel() + "/model.safetensors")
	require.NoError(b, err)
	b.SetBytes(info.Size())
	for b.Loop() {
		m, err := Load(benchModel(), &Options{Notices: io.Discard})
		require.NoError(b, err)
		require.NoError(b, m.Close())
	}
}

func benchIDs(m *Model, n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = (i*7919 + 13) % m.config.VocabSize
	}
	return ids
}

func BenchmarkPrefill(b *testing.B) {
	m := loadBench(b)
	s, err := m.NewState()
	require.NoError(b, err)
	ids := benchIDs(m, 2048)
	_, err = m.Prefill(context.Background(), s, ids)
	require.NoError(b, err)
	for b.Loop() {
		_, err := m.Prefill(context.Background(), s, ids)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(len(ids)*b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkDecode is greedy generation of one sequence, and of eight.
func BenchmarkDecode(b *testing.B) {
	m := loadBench(b)
	for _, rows := range []int{1, 8} {
		b.Run(map[int]string{1: "B1", 8: "B8"}[rows], func(b *testing.B) {
			states := make([]*State, rows)
			for i := range states {
				var err error
				states[i], err = m.NewState()
				require.NoError(b, err)
			}
			ids := benchIDs(m, rows)
			step := func() {
				r, err := m.advance(context.Background(), states, columns(ids), lastChoice, &advanceOptions{choice: choice{width: m.config.VocabSize}})
				require.NoError(b, err)
				copy(ids, r.best)
			}
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "tokens/s")
			for _, s := range states {
				s.Close()
			}
		})
	}
}

// BenchmarkFirstToken is the time from nothing to the first token, the
// driver's and the compilation of pipelines included.
func BenchmarkFirstToken(b *testing.B) {
	for b.Loop() {
		start := time.Now()
		m, err := Load(benchModel(), &Options{Notices: io.Discard})
		require.NoError(b, err)
		loaded := time.Since(start)
		s, err := m.NewState()
		require.NoError(b, err)
		_, err = m.Prefill(context.Background(), s, benchIDs(m, 16))
		require.NoError(b, err)
		b.ReportMetric(float64(loaded.Milliseconds()), "ms(load)")
		require.NoError(b, m.Close())
	}
}
