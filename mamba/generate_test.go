package mamba

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// cut is a text up to the first stop string to be complete.
func cut(text string, stops []string) string {
	for end := range len(text) + 1 {
		first := -1
		for _, s := range stops {
			if strings.HasSuffix(text[:end], s) && (first < 0 || end-len(s) < first) {
				first = end - len(s)
			}
		}
		if first >= 0 {
			return text[:first]
		}
	}
	return text
}

func TestGenerateMaxTokens(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		c := expected(t)[1]
		for _, n := range []int{1, 2, 7} {
			ids, _ := collect(t, m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: n}))
			assert.Equal(t, c.GreedyIDs[:n], ids)
		}
	})
	m := newTiny(t, Options{Adapter: GoAdapter})
	ids, text := collect(t, m.GenerateIDs(ctx, []int{1}, nil))
	assert.Len(t, ids, 256, "nil means the default")
	assert.Empty(t, text, "there is no tokenizer")
}

// TestGenerateOnHost takes the largest logit of those that were read back.
func TestGenerateOnHost(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		c := expected(t)[0]
		ids, _ := collect(t, m.GenerateIDs(ctx, c.IDs, &GenerateOptions{MaxTokens: 8, Temperature: 0.7, TopK: 1}))
		assert.Equal(t, c.GreedyIDs[:8], ids)
		// A penalty of next to nothing takes the same way without changing the choice.
		ids, _ = collect(t, m.GenerateIDs(ctx, c.IDs, &GenerateOptions{MaxTokens: 8, RepetitionPenalty: 1 + 1e-9}))
		assert.Equal(t, c.GreedyIDs[:8], ids)
	})
}

// referenceFS is the reference model's folder with another config.json.
func referenceFS(t *testing.T, from, to string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, name := range []string{"config.json", "model.safetensors", "tokenizer.json"} {
		data, err := os.ReadFile(filepath.Join(reference, name))
		require.NoError(t, err)
		if name == "config.json" {
			require.True(t, bytes.Contains(data, []byte(from)))
			data = bytes.Replace(data, []byte(from), []byte(to), 1)
		}
		fsys[name] = &fstest.MapFile{Data: data}
	}
	return fsys
}

// TestEndOfText makes a token that the model chooses the one that ends texts.
func TestEndOfText(t *testing.T) {
	c := expected(t)[1]
	end := c.GreedyIDs[5]
	n := slices.Index(c.GreedyIDs, end)
	onModel(t, "gpu", onGPU, func(t *testing.T, m *Model) { endsAt(t, m, c, end, n) })
	m, err := onGo()
	require.NoError(t, err)
	assert.Equal(t, map[int]bool{0: true}, m.endTokens())
	endsAt(t, m, c, end, n)
	none, err := LoadFS(referenceFS(t, `"eos_token_id": 0,`, ""), ".", &Options{Adapter: GoAdapter})
	require.NoError(t, err)
	assert.Nil(t, none.Config().EOS)
	assert.Equal(t, map[int]bool{0: true}, none.endTokens(), "the tokenizer's own")
}

func endsAt(t *testing.T, m *Model, c expectation, end, n int) {
	old := m.config.EOS
	m.config.EOS = []int{4000, end}
	defer func() { m.config.EOS = old }()
	ids, text := collect(t, m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: 12}))
	assert.Equal(t, c.GreedyIDs[:n], ids)
	want, err := m.Tokenizer().Decode(ids)
	require.NoError(t, err)
	assert.Equal(t, want, text)
	ids, _ = collect(t, m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: 12, IgnoreEOS: true}))
	assert.Equal(t, c.GreedyIDs[:12], ids)

	s := newState(t, m)
	collect(t, m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: 12, State: s}))
	assert.Equal(t, len(c.IDs)+n, s.Tokens(), "all but the end-of-text token")
	s.Close()
}

// TestGenerateStop cuts the reference text at strings of it.
func TestGenerateStop(t *testing.T) {
	c := expected(t)[1]
	const tokens = 20
	m, err := onGo()
	require.NoError(t, err)
	full, err := m.Tokenizer().Decode(c.GreedyIDs[:tokens])
	require.NoError(t, err)
	mid := full[len(full)/2:]
	for _, stops := range [][]string{
		{mid[:1]}, {mid[:3]}, {mid[:12]}, // in one token, and over several
		{mid[1:4], mid[:6]},       // one begins earlier, the other ends earlier
		{mid[:2] + "\x00", mid},   // one that begins and does not go on
		{mid[:5], mid[:5] + "zz"}, // a prefix of another
		{mid[:8], mid[2:8]},       // both end at once: the longer one
		{"never", "\u00e9"},
		{full[len(full)-4:] + "zzz"}, // may begin up to the end
	} {
		check := func(t *testing.T, m *Model) {
			var last Token
			var text string
			for token, err := range m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: tokens, Stop: stops}) {
				require.NoError(t, err)
				require.NotEqual(t, NoToken, last.ID, "nothing follows the rest")
				text, last = text+token.Text, token
			}
			assert.Equal(t, cut(full, stops), text, "%q", stops)
			if strings.HasSuffix(stops[0], "zzz") {
				assert.Equal(t, Token{NoToken, full[len(full)-4:]}, last)
			}
		}
		check(t, m)
	}
	onModel(t, "gpu", onGPU, func(t *testing.T, m *Model) {
		_, text := collect(t, m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: tokens, Stop: []string{mid[:3]}}))
		assert.Equal(t, cut(full, []string{mid[:3]}), text)
	})
}

// TestGenerateCharacters samples so wildly that bytes of broken characters
// come, none of which is given out.
func TestGenerateCharacters(t *testing.T) {
	run := func(t *testing.T, m *Model, seed uint64, n int) {
		var ids []int
		var all strings.Builder
		for token, err := range m.Generate(ctx, "And", &GenerateOptions{MaxTokens: n, Temperature: 50, Seed: seed, IgnoreEOS: true}) {
			require.NoError(t, err)
			assert.True(t, utf8.ValidString(token.Text), "%q", token.Text)
			if token.ID == NoToken {
				assert.NotEmpty(t, token.Text)
			} else {
				ids = append(ids, token.ID)
			}
			all.WriteString(token.Text)
		}
		require.Len(t, ids, n)
		want, err := m.Tokenizer().Decode(ids)
		require.NoError(t, err)
		assert.Equal(t, want, all.String())
		if n > 50 {
			assert.Contains(t, want, "\ufffd", "the test has broken characters")
		}
	}
	m, err := onGo()
	require.NoError(t, err)
	for seed := range uint64(2) {
		run(t, m, seed, 60)
	}
	onModel(t, "gpu", onGPU, func(t *testing.T, m *Model) { run(t, m, 1, 20) })
}

// TestGenerateSeed repeats texts by their seeds.
func TestGenerateSeed(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		run := func(seed uint64) string {
			_, text := collect(t, m.Generate(ctx, "And the", &GenerateOptions{MaxTokens: 12, Temperature: 1, TopP: 0.95, Seed: seed}))
			return text
		}
		assert.Equal(t, run(1), run(1))
		assert.NotEqual(t, run(1), run(2))
	})
}

// TestGenerateAgain iterates twice over one generation.
func TestGenerateAgain(t *testing.T) {
	m, err := onGo()
	require.NoError(t, err)
	tokens := m.Generate(ctx, "And the", &GenerateOptions{MaxTokens: 10, Temperature: 1, Seed: 3})
	first, _ := collect(t, tokens)
	second, _ := collect(t, tokens)
	assert.Equal(t, first, second)
}

// TestGenerateCancel ends prefill and decoding by their context.
func TestGenerateCancel(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		setChunk(t, m, 16)
		prompt := someIDs(m, 64, 1)
		cancelled, cancel := context.WithCancel(ctx)
		calls := 0
		n, err := failure(m.GenerateIDs(cancelled, prompt, &GenerateOptions{OnPrefill: func(done, _ int) {
			if calls++; done >= 32 {
				cancel()
			}
		}}))
		assert.Equal(t, context.Canceled, err)
		assert.Equal(t, []int{0, 2}, []int{n, calls})

		cancelled, cancel = context.WithCancel(ctx)
		seen := 0
		for token, err := range m.GenerateIDs(cancelled, prompt[:3], &GenerateOptions{MaxTokens: 20, IgnoreEOS: true}) {
			if err != nil {
				assert.Equal(t, Token{ID: NoToken}, token)
				assert.Equal(t, context.Canceled, err)
				seen += 100
				continue
			}
			if seen++; seen == 3 {
				cancel()
			}
		}
		assert.Equal(t, 103, seen)

		late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
		defer cancel()
		n, err = failure(m.GenerateIDs(late, prompt, nil))
		assert.Equal(t, context.DeadlineExceeded, err)
		assert.Zero(t, n)
		s := newState(t, m)
		_, err = m.Prefill(late, s, prompt)
		assert.Equal(t, context.DeadlineExceeded, err)
		assert.Zero(t, s.Tokens())
		s.Close()

		assert.Zero(t, usedSlots(m))
		c := expected(t)[0]
		ids, _ := collect(t, m.GenerateIDs(ctx, c.IDs, &GenerateOptions{MaxTokens: 3}))
		assert.Equal(t, c.GreedyIDs[:3], ids, "the model goes on")
	})
}

func TestGenerateBreak(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		for range 3 {
			for _, err := range m.Generate(ctx, "And", nil) {
				require.NoError(t, err)
				assert.Equal(t, 1, usedSlots(m))
				break
			}
			assert.Zero(t, usedSlots(m))
		}
	})
}

// TestGenerateState goes on with a sequence as one long prompt would.
func TestGenerateState(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		c := expected(t)[2]
		s := newState(t, m)
		defer s.Close()
		first, _ := collect(t, m.GenerateIDs(ctx, c.IDs, &GenerateOptions{MaxTokens: 5, State: s, IgnoreEOS: true}))
		require.Equal(t, c.GreedyIDs[:5], first)
		require.Equal(t, len(c.IDs)+4, s.Tokens(), "all but the last token")
		more := m.Tokenizer().Encode(" of America.")
		second, _ := collect(t, m.GenerateIDs(ctx, more, &GenerateOptions{MaxTokens: 6, State: s, IgnoreEOS: true}))
		whole := slices.Concat(c.IDs, first, more)
		want, _ := collect(t, m.GenerateIDs(ctx, whole, &GenerateOptions{MaxTokens: 6, IgnoreEOS: true}))
		assert.Equal(t, want, second)
		assert.Equal(t, len(whole)+5, s.Tokens())
	})
}

func TestGenerateProgress(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		setChunk(t, m, 16)
		var got [][2]int
		collect(t, m.GenerateIDs(ctx, someIDs(m, 50, 1), &GenerateOptions{MaxTokens: 3, OnPrefill: func(done, total int) {
			got = append(got, [2]int{done, total})
		}}))
		assert.Equal(t, [][2]int{{16, 50}, {32, 50}, {48, 50}, {50, 50}}, got)
	})
}

func TestGenerateRefuses(t *testing.T) {
	m, err := onGo()
	require.NoError(t, err)
	bare := newTiny(t, Options{Adapter: GoAdapter})
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name string
		opts GenerateOptions
	}{
		{"MaxTokens", GenerateOptions{MaxTokens: -1}},
		{"Temperature", GenerateOptions{Temperature: -1}},
		{"Temperature", GenerateOptions{Temperature: nan}},
		{"Temperature", GenerateOptions{Temperature: inf}},
		{"TopK", GenerateOptions{TopK: -1}},
		{"TopP", GenerateOptions{TopP: -0.1}},
		{"TopP", GenerateOptions{TopP: 1.1}},
		{"TopP", GenerateOptions{TopP: nan}},
		{"MinP", GenerateOptions{MinP: -0.1}},
		{"MinP", GenerateOptions{MinP: 2}},
		{"MinP", GenerateOptions{MinP: nan}},
		{"RepetitionPenalty", GenerateOptions{RepetitionPenalty: -2}},
		{"RepetitionPenalty", GenerateOptions{RepetitionPenalty: inf}},
		{"Stop", GenerateOptions{Stop: []string{"a", ""}}},
		{"Stop", GenerateOptions{Stop: []string{"\x80"}}},
	} {
		n, err := failure(m.Generate(ctx, "And", &c.opts))
		var option *OptionError
		require.ErrorAs(t, err, &option, c.name)
		assert.Equal(t, c.name, option.Name)
		assert.Zero(t, n)
		assert.ErrorContains(t, err, c.name+" is ")
	}
	for _, test := range []struct {
		prompt []int
		want   error
	}{
		{nil, ErrEmptyPrompt}, {[]int{-1}, &TokenError{-1, 4096}}, {[]int{1, 4096}, &TokenError{4096, 4096}},
		{[]int{math.MaxInt}, &TokenError{math.MaxInt, 4096}},
	} {
		_, err := failure(m.GenerateIDs(ctx, test.prompt, nil))
		assert.Equal(t, test.want, err)
	}
	_, err = failure(m.Generate(ctx, "", nil))
	assert.Equal(t, ErrEmptyPrompt, err)
	_, err = failure(bare.Generate(ctx, "And", nil))
	assert.Equal(t, ErrNoTokenizer, err)
	_, err = failure(bare.GenerateIDs(ctx, []int{1}, &GenerateOptions{Stop: []string{"a"}}))
	assert.ErrorAs(t, err, new(*OptionError))
	_, err = failure(bare.GenerateIDs(ctx, []int{1}, &GenerateOptions{State: &State{model: m}}))
	assert.ErrorAs(t, err, new(*OptionError), "a state of another model")
	assert.Zero(t, usedSlots(m)+usedSlots(bare))
}

// paddedModel writes a model of 4104 rows for the reference tokenizer's 4096
// tokens, whose head favours the rows without a token.
func paddedModel(t *testing.T) string {
	c := tiny()
	c.VocabSize, c.Tied, c.DModel, c.DInner, c.NLayer = 4104, false, 4, 8, 1
	return writeModel(t, c, func(w tensors) {
		for i := 4096; i < 4104; i++ { // the eight directions of four axes
			w.poke(t, "lm_head.weight", i*c.DModel+i%4, float32(1000*(1-2*(i/4%2))))
		}
	})
}

func TestPaddingIsNeverChosen(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		dir := paddedModel(t)
		bare := open(t, dir, opts)
		ids, _ := collect(t, bare.GenerateIDs(ctx, []int{3}, &GenerateOptions{MaxTokens: 8}))
		for _, id := range ids {
			require.GreaterOrEqual(t, id, 4096, "padding rows are the largest")
		}
		opts.Tokenizer = reference + "/tokenizer.json"
		m := open(t, dir, opts)
		logits := alone(t, m, m.Tokenizer().Encode("And"))
		for name, o := range map[string]GenerateOptions{
			"on the device": {}, "on the host": {RepetitionPenalty: 1 + 1e-9}, "drawn": {Temperature: 3}, "top k": {Temperature: 1, TopK: 50},
		} {
			o.MaxTokens, o.IgnoreEOS = 8, true
			ids, _ := collect(t, m.Generate(ctx, "And", &o))
			require.Len(t, ids, 8)
			for _, id := range ids {
				assert.Less(t, id, 4096, name)
			}
			if o.Temperature == 0 {
				assert.Equal(t, argmaxOf(logits[:4096]), ids[0], name)
			}
		}
	})
}

// TestNotFinite overflows the logits of finite weights.
func TestNotFinite(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		c := tiny()
		c.Tied = false
		m := open(t, writeModel(t, c, func(w tensors) {
			shape := []int{c.VocabSize, c.DModel}
			huge := make([]float32, product(shape))
			for i := range huge {
				huge[i] = math.MaxFloat32
			}
			w.set(t, "lm_head.weight", checkpoint.F32, shape, huge)
			ones := make([]float32, c.DModel)
			for i := range ones {
				ones[i] = 1e10
			}
			w.set(t, "backbone.norm_f.weight", checkpoint.F32, []int{c.DModel}, ones)
		}), opts)
		s := newState(t, m)
		_, err := m.Prefill(ctx, s, []int{1})
		assert.Equal(t, ErrNotFinite, err)
		_, err = failure(m.GenerateIDs(ctx, []int{1}, &GenerateOptions{Temperature: 1}))
		assert.Equal(t, ErrNotFinite, err)
		s.Close()
		assert.Zero(t, usedSlots(m))
	})
}
