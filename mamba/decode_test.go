package mamba

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/wgpu"
)

// contents is a state as it lies on the device.
func contents(t *testing.T, s *State) []float32 {
	t.Helper()
	values := make([]float32, s.Size()/4)
	require.NoError(t, s.model.backend.readState(s.slot, values))
	return values
}

// stepped is the state of a prompt, whose last token was pending, and of tokens
// after it, the last of which is pending, taken in one by one.
func stepped(t *testing.T, m *Model, prompt, tokens []int) *State {
	t.Helper()
	s := newState(t, m)
	require.NoError(t, m.Prepare(ctx, s, prompt))
	all := append(slices.Clone(prompt[len(prompt)-1:]), tokens...)
	for i, id := range all[:len(all)-1] {
		if i == 0 {
			s.pending = NoToken
		}
		_, err := m.Step(ctx, []*State{s}, []int{id})
		require.NoError(t, err)
	}
	s.hold(all[len(all)-1])
	return s
}

// TestEarlyEnds stops generation in every way at many places, the device having
// run ahead: the state is, to the bit, that of the tokens given out.
func TestEarlyEnds(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		prompt := []int{3, 1, 4, 1, 5}
		for name, o := range map[string]GenerateOptions{
			"greedy": {}, "drawn": {Temperature: 2, Seed: 3}, "cut": {Temperature: 2, TopK: 20, RepetitionPenalty: 1.2},
		} {
			o.MaxTokens, o.IgnoreEOS = 90, true
			whole, _ := collect(t, m.GenerateIDs(ctx, prompt, &o))
			require.Len(t, whole, 90)
			for _, n := range []int{1, 2, 3, 4, 7, 8, 9, 25, 64, 89, 90} {
				want := stepped(t, m, prompt, whole[:n])
				for way, end := range map[string]func(t *testing.T, o *GenerateOptions, n int) []int{
					"break":  func(t *testing.T, o *GenerateOptions, n int) []int { return breakAfter(t, m, prompt, o, n) },
					"cancel": func(t *testing.T, o *GenerateOptions, n int) []int { return cancelAfter(t, m, prompt, o, n) },
				} {
					o.State = newState(t, m)
					got := end(t, &o, n)
					require.Equal(t, whole[:n], got, "%s, %s after %d", name, way, n)
					require.Equal(t, len(prompt)+n-1, o.State.Tokens())
					require.Equal(t, whole[n-1], o.State.Pending())
					require.Equal(t, want.seen, o.State.seen)
					require.Equal(t, contents(t, want), contents(t, o.State), "%s, %s after %d", name, way, n)
					rest := o
					rest.MaxTokens = 90 - n
					if n < 90 {
						more, _ := collect(t, m.GenerateIDs(ctx, nil, &rest))
						require.Equal(t, whole[n:], more, "%s, %s after %d, gone on", name, way, n)
					}
					o.State.Close()
				}
				want.Close()
			}
		}
	})
}

func breakAfter(t *testing.T, m *Model, prompt []int, o *GenerateOptions, n int) (ids []int) {
	for token, err := range m.GenerateIDs(ctx, prompt, o) {
		require.NoError(t, err)
		if ids = append(ids, token.ID); len(ids) == n {
			break
		}
	}
	return ids
}

func cancelAfter(t *testing.T, m *Model, prompt []int, o *GenerateOptions, n int) (ids []int) {
	c, cancel := context.WithCancel(ctx)
	defer cancel()
	for token, err := range m.GenerateIDs(c, prompt, o) {
		if err != nil {
			require.Equal(t, context.Canceled, err)
			continue
		}
		if ids = append(ids, token.ID); len(ids) == n {
			cancel()
		}
	}
	return ids
}

// TestEndOfTextState ends a text by a token far down: the state is that of the
// tokens before, with the token that ended the text pending.
func TestEndOfTextState(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		prompt := []int{2, 7}
		o := GenerateOptions{MaxTokens: 60, Temperature: 3, Seed: 1, IgnoreEOS: true}
		whole, _ := collect(t, m.GenerateIDs(ctx, prompt, &o))
		end, at := 0, 0
		for i, id := range whole { // the token that comes latest
			if first := slices.Index(whole, id); first == i && i < 40 {
				end, at = id, i
			}
		}
		require.Greater(t, at, 3)
		m.config.EOS = []int{end}
		o.State, o.IgnoreEOS = newState(t, m), false
		ids, _ := collect(t, m.GenerateIDs(ctx, prompt, &o))
		require.Equal(t, whole[:at], ids)
		require.Equal(t, end, o.State.Pending())
		want := stepped(t, m, prompt, whole[:at+1])
		require.Equal(t, contents(t, want), contents(t, o.State))
		want.Close()

		// Rows end one by one, and the others go on as they would alone.
		o.State = nil
		prompts := [][]int{{2, 7}, {9}, {1, 2, 3}, {30}, {8, 8}}
		rows := make([][]int, len(prompts))
		for token, err := range m.GenerateBatch(ctx, prompts, &o) {
			require.NoError(t, err)
			rows[token.Row] = append(rows[token.Row], token.ID)
		}
		lengths := map[int]bool{}
		for i := range prompts {
			alone, _ := collect(t, m.GenerateIDs(ctx, prompts[i], &o))
			assert.Equal(t, alone, rows[i], "row %d", i)
			lengths[len(alone)] = true
		}
		assert.Greater(t, len(lengths), 1, "the rows end in different places")
	})
}

// TestOthersInBetween uses the model for other things while it generates, which
// changes nothing of what is generated.
func TestOthersInBetween(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		for _, o := range []GenerateOptions{{}, {Temperature: 2, TopP: 0.9, RepetitionPenalty: 1.1}} {
			o.MaxTokens, o.IgnoreEOS = 40, true
			whole, _ := collect(t, m.GenerateIDs(ctx, []int{6, 5}, &o))
			other := newState(t, m)
			o.State = newState(t, m)
			var ids []int
			for token, err := range m.GenerateIDs(ctx, []int{6, 5}, &o) {
				require.NoError(t, err)
				switch ids = append(ids, token.ID); len(ids) {
				case 3:
					prefill(t, m, other, someIDs(m, 70, 1))
				case 10, 11:
					_, err := m.StepGreedy(ctx, []*State{other}, []int{1})
					require.NoError(t, err)
				case 20:
					collect(t, m.GenerateIDs(ctx, []int{9, 9, 9}, &GenerateOptions{MaxTokens: 25, Temperature: 1, IgnoreEOS: true}))
				case 25:
					closeStates(newStates(t, m, 9)...)
				}
			}
			require.Equal(t, whole, ids)
			want := stepped(t, m, []int{6, 5}, whole)
			require.Equal(t, contents(t, want), contents(t, o.State))
			closeStates(other, want, o.State)
		}
	})
}

// TestDecodingIsBatched counts submissions: several tokens go into one.
func TestDecodingIsBatched(t *testing.T) {
	m := newTiny(t, Options{Device: device(t)})
	generate := func(n int) wgpu.Usage {
		before := m.Usage()
		collect(t, m.GenerateIDs(ctx, []int{1}, &GenerateOptions{MaxTokens: n, IgnoreEOS: true}))
		after := m.Usage()
		return wgpu.Usage{Dispatches: after.Dispatches - before.Dispatches, Submissions: after.Submissions - before.Submissions}
	}
	generate(1) // makes room for states
	one, three := generate(1), generate(3)
	assert.Equal(t, 3*one.Dispatches-1, three.Dispatches, "no token is computed that is not given out, and the third's embedding is where it was chosen")
	assert.Equal(t, one.Submissions+1, three.Submissions, "one token, then two")
	assert.Positive(t, m.Usage().HostTime)
}

// TestNoRoomForCopies generates into a caller's state on a device that has no
// memory left for copies of it: token by token, so that none are needed.
func TestNoRoomForCopies(t *testing.T) {
	m := newTiny(t, Options{Device: device(t)})
	whole, _ := collect(t, m.GenerateIDs(ctx, []int{1}, &GenerateOptions{MaxTokens: 12, IgnoreEOS: true}))
	m.backend = noCopies{m.backend}
	s := newState(t, m)
	ids := breakAfter(t, m, []int{1}, &GenerateOptions{MaxTokens: 12, IgnoreEOS: true, State: s}, 7)
	require.Equal(t, whole[:7], ids)
	want := stepped(t, m, []int{1}, ids)
	require.Equal(t, contents(t, want), contents(t, s))
	require.NoError(t, s.Reset())
	require.Equal(t, ids, cancelAfter(t, m, []int{1}, &GenerateOptions{MaxTokens: 12, IgnoreEOS: true, State: s}, 7))
	require.Equal(t, contents(t, want), contents(t, s))
}

type noCopies struct{ backend }

func (b noCopies) newDecoder() decoder { return noCopy{b.backend.newDecoder()} }

type noCopy struct{ decoder }

func (noCopy) keep(_, _ int) error {
	return &wgpu.MemoryError{Label: "copies", Err: errors.New("none left")}
}

// TestFailureWithoutCopies has a step fail where there are no copies of the state:
// the caller gets the step's error.
func TestFailureWithoutCopies(t *testing.T) {
	m := newTiny(t, Options{Device: device(t)})
	m.backend = noSteps{m.backend}
	n := 0
	for _, err := range m.GenerateIDs(ctx, []int{1, 2}, &GenerateOptions{MaxTokens: 12, IgnoreEOS: true, State: newState(t, m)}) {
		require.ErrorIs(t, err, errStep)
		n++
	}
	require.Equal(t, 1, n)
}

type noSteps struct{ backend }

func (b noSteps) newDecoder() decoder { return noStep{noCopy{b.backend.newDecoder()}} }

type noStep struct{ noCopy }

var errStep = errors.New("a step failed")

func (noStep) submit(int) error { return errStep }

// TestStateThatCannotBeBroughtBack leaves the loop where the device has run ahead and the
// copies are of no use: the next to use the state is told, until it is reset.
func TestStateThatCannotBeBroughtBack(t *testing.T) {
	m := newTiny(t, Options{Device: device(t)})
	o := GenerateOptions{MaxTokens: 12, IgnoreEOS: true}
	whole, _ := collect(t, m.GenerateIDs(ctx, []int{1}, &o))
	working := m.backend
	m.backend = noRestores{m.backend}
	o.State = newState(t, m)
	require.Equal(t, whole[:4], breakAfter(t, m, []int{1}, &o, 4))
	m.backend = working

	var told *BrokenStateError
	for _, err := range m.GenerateIDs(ctx, nil, &o) {
		require.ErrorAs(t, err, &told)
	}
	require.ErrorIs(t, told, errRestore)
	_, err := m.Step(ctx, []*State{o.State}, []int{1})
	require.ErrorAs(t, err, &told)
	_, err = o.State.Clone()
	require.ErrorAs(t, err, &told)
	require.ErrorAs(t, o.State.Save(io.Discard), &told)
	require.NoError(t, o.State.Reset())
	again, _ := collect(t, m.GenerateIDs(ctx, []int{1}, &o))
	require.Equal(t, whole, again)
}

type noRestores struct{ backend }

func (b noRestores) newDecoder() decoder { return noRestore{b.backend.newDecoder()} }

type noRestore struct{ decoder }

var errRestore = errors.New("no copy can be put back")

func (noRestore) restore(_, _ int) error { return errRestore }

// TestDeviceClosedWhileGenerating stops asking for tokens when the device is gone,
// and the state cannot be brought back.
func TestDeviceClosedWhileGenerating(t *testing.T) {
	for _, most := range []int{1, 20} {
		dev := lowDevice(t, 1<<20)
		m := newTiny(t, Options{Device: dev})
		n := 0
		for _, err := range m.GenerateIDs(ctx, []int{1}, &GenerateOptions{State: newState(t, m), IgnoreEOS: true}) {
			if n++; err != nil {
				assert.ErrorIs(t, err, ErrClosed)
				continue
			}
			require.NoError(t, dev.Close())
			if n == most {
				break
			}
		}
		assert.Positive(t, n)
	}
}

// TestPace grows as long as submissions are short.
func TestPace(t *testing.T) {
	now := time.Unix(0, 0)
	run := func(step time.Duration, submissions, left int) (steps []int) {
		var p pace
		for range submissions {
			n := p.next(left)
			steps = append(steps, n)
			now = now.Add(time.Duration(n) * step)
			p.came(n, now)
		}
		return steps
	}
	assert.Equal(t, []int{1, 2, 4, 8, 16, 16}, run(300*time.Microsecond, 6, 1000))
	assert.Equal(t, []int{1, 2, 4, 6, 6}, run(4*time.Millisecond, 5, 1000))
	assert.Equal(t, []int{1, 2, 1, 1}, run(time.Second, 4, 1000))
	assert.Equal(t, []int{1, 2, 3, 3}, run(time.Microsecond, 4, 3))
	assert.Equal(t, []int{1, 2, 4, 8, 16}, run(0, 5, 1000))
}
