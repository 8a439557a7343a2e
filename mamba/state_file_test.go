package mamba

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func saved(t testing.TB, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, s.Save(&b))
	return b.Bytes()
}

func loaded(t testing.TB, m *Model, data []byte) *State {
	t.Helper()
	s, err := m.LoadState(bytes.NewReader(data))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// generated continues a state and returns the ids.
func generated(t testing.TB, m *Model, s *State, ids []int, o GenerateOptions) []int {
	t.Helper()
	o.State, o.IgnoreEOS = s, true
	out, _ := collect(t, m.GenerateIDs(ctx, ids, &o))
	return out
}

// TestStateSaved goes on from a saved state in another slot and requires the
// bits of the one that never stopped.
func TestStateSaved(t *testing.T) {
	onAll(t, func(t *testing.T, m *Model) {
		s := newState(t, m)
		prefill(t, m, s, someIDs(m, 37, 1))
		data := saved(t, s)
		want := prefill(t, m, s, someIDs(m, 9, 2))
		wantStep := prefill(t, m, s, []int{7})
		other, empty, again := newState(t, m), newState(t, m), loaded(t, m, data)
		require.Equal(t, 37, again.Tokens())
		require.Equal(t, data, saved(t, again))
		require.Equal(t, want, prefill(t, m, again, someIDs(m, 9, 2)))
		require.Equal(t, wantStep, prefill(t, m, again, []int{7}))
		require.Equal(t, saved(t, s), saved(t, again))
		require.Equal(t, saved(t, empty), saved(t, other), "its neighbour is as it was")
		closeStates(s, other, empty, again)
	})
}

// TestStateGenerate stops and goes on at several places; greedily, and drawn
// with every option that depends on what came before.
func TestStateGenerate(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		prompt := expected(t)[0].IDs
		for _, o := range []GenerateOptions{{}, {Temperature: 1.2, RepetitionPenalty: 1.3, Seed: 5}} {
			o.MaxTokens = 12
			one := newState(t, m)
			want := generated(t, m, one, prompt, o)
			for _, cut := range []int{1, 7} {
				s := newState(t, m)
				o.MaxTokens = cut
				got := generated(t, m, s, prompt, o)
				require.Equal(t, got[cut-1], s.Pending())
				again := loaded(t, m, saved(t, s))
				require.Equal(t, got[cut-1], again.Pending())
				clone, err := again.Clone()
				require.NoError(t, err)
				o.MaxTokens = 12 - cut
				for _, s := range []*State{s, again, clone} {
					require.Equal(t, want, slices.Concat(got, generated(t, m, s, nil, o)), "%+v", o)
					require.Equal(t, saved(t, one), saved(t, s))
				}
				closeStates(s, again, clone)
			}
			one.Close()
		}
	})
}

// TestPrepare keeps a prompt for several continuations.
func TestPrepare(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		c := expected(t)[3]
		s := newState(t, m)
		defer s.Close()
		require.Equal(t, NoToken, s.Pending())
		_, err := failure(m.GenerateIDs(ctx, nil, &GenerateOptions{State: s}))
		require.Equal(t, ErrEmptyPrompt, err)
		require.Equal(t, ErrEmptyPrompt, m.Prepare(ctx, s, nil))
		require.ErrorAs(t, m.Prepare(ctx, s, []int{-1}), new(*TokenError))
		require.ErrorAs(t, m.Prepare(ctx, nil, []int{1}), new(*OptionError))
		require.NoError(t, m.Prepare(ctx, s, c.IDs[:1]))
		require.Equal(t, []int{0, c.IDs[0]}, []int{s.Tokens(), s.Pending()})
		require.NoError(t, m.Prepare(ctx, s, c.IDs[1:]))
		last := len(c.IDs) - 1
		require.Equal(t, []int{last, c.IDs[last]}, []int{s.Tokens(), s.Pending()})
		for range 2 {
			clone := loaded(t, m, saved(t, s))
			require.Equal(t, c.GreedyIDs[:8], generated(t, m, clone, nil, GenerateOptions{MaxTokens: 8}))
			clone.Close()
		}
		// Prefill, too, takes the pending token in first.
		one, err := s.Clone()
		require.NoError(t, err)
		var seen errorsSeen
		seen.within(t, invariant, prefill(t, m, one, []int{5}), alone(t, m, append(slices.Clone(c.IDs), 5)))
		require.Equal(t, NoToken, one.Pending())
		one.Close()
		empty := newState(t, m)
		require.NoError(t, s.Reset())
		require.Equal(t, NoToken, s.Pending())
		require.Equal(t, saved(t, empty), saved(t, s))
		empty.Close()
	})
}

// TestStatesInterchange takes states of each backend to the other.
func TestStatesInterchange(t *testing.T) {
	host, err := onGo()
	require.NoError(t, err)
	device, err := onGPU()
	need(t, err)
	require.Equal(t, host.fingerprint, device.fingerprint)
	for _, way := range [][2]*Model{{host, device}, {device, host}} {
		s := newState(t, way[0])
		prefill(t, way[0], s, someIDs(host, 30, 1))
		data := saved(t, s)
		moved := loaded(t, way[1], data)
		require.Equal(t, data, saved(t, moved), "bit for bit")
		var seen errorsSeen
		seen.within(t, 1e-4, prefill(t, way[1], moved, []int{9}), prefill(t, way[0], s, []int{9}))
		closeStates(s, moved)
	}
}

// TestFingerprint tells apart models that differ in one bit, and no others.
func TestFingerprint(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		require.Equal(t, m.fingerprint, newTiny(t, opts).fingerprint)
		for name, shape := range tiny().Shapes() {
			for _, i := range []int{0, product(shape) - 1} {
				other := open(t, writeModel(t, tiny(), func(w tensors) {
					w[name].Data[4*i] ^= 1
				}), opts)
				require.NotEqual(t, m.fingerprint, other.fingerprint, name)
				other.Close()
			}
		}
		c := tiny()
		c.NormEps = 1e-6
		require.NotEqual(t, m.fingerprint, open(t, writeModel(t, c, nil), opts).fingerprint)
		one, err := New(tiny(), 1, &opts)
		require.NoError(t, err)
		defer one.Close()
		two, err := New(tiny(), 2, &opts)
		require.NoError(t, err)
		defer two.Close()
		require.NotEqual(t, one.fingerprint, two.fingerprint)
	})
}

// withSum replaces a saved state's checksum by the right one.
func withSum(data []byte) []byte {
	body := data[:len(data)-8]
	return binary.LittleEndian.AppendUint64(slices.Clone(body), crc64.Checksum(body, stateCRC))
}

// Where the parts of a saved state begin.
const (
	versionAt = len(stateMagic)
	sizesAt   = versionAt + 4
	weightsAt = sizesAt + 4*7
	tokensAt  = weightsAt + 32
	pendingAt = tokensAt + 8
	setAt     = pendingAt + 4
	numbersAt = setAt + (41+7)/8 // of tiny
)

func TestStateErrors(t *testing.T) {
	m := newTiny(t, Options{Adapter: GoAdapter})
	s := newState(t, m)
	prefill(t, m, s, []int{1, 2, 3})
	whole := saved(t, s)
	require.Len(t, whole, numbersAt+s.Size()+8)
	refuses := func(data []byte, parts ...string) {
		t.Helper()
		used := usedSlots(m)
		_, err := m.LoadState(bytes.NewReader(data))
		require.ErrorAs(t, err, new(*StateError))
		for _, part := range parts {
			require.ErrorContains(t, err, part)
		}
		require.Equal(t, used, usedSlots(m))
	}
	for n := range whole {
		refuses(whole[:n], fmt.Sprintf("ends after %d bytes", n))
	}
	refuses(whole[:10], "within its header", "whole saved state")
	refuses(whole[:setAt+1], "within its tokens")
	refuses(whole[:numbersAt+5], "within its numbers")
	refuses(whole[:len(whole)-1], "within its checksum")
	refuses(append(slices.Clone(whole), 0), "more behind it")
	refuses(append(slices.Clone(whole), whole...), "more behind it")
	for _, foreign := range []string{"{}", "mambagpu State\r\n", "\x00", "PK\x03\x04 and more than a header's length"} {
		refuses([]byte(foreign), "got something else", "generate --save-state")
	}
	edited := func(at int, b ...byte) []byte {
		data := slices.Clone(whole)
		copy(data[at:], b)
		return data
	}
	refuses(edited(versionAt, 2), "got version 2, want version 1")
	refuses(edited(sizesAt+4, 3), "n_layer 3, want n_layer 2")
	refuses(edited(sizesAt+8, 0xff, 0xff, 0xff, 0xff, 6), "d_inner 4294967295, d_state 6, want d_inner 24, d_state 5")
	for at := weightsAt; at < len(whole); at++ {
		refuses(edited(at, whole[at]^0x10), "damaged data")
	}
	refuses(withSum(edited(weightsAt, whole[weightsAt]^1)), "its weights are others")
	refuses(withSum(edited(tokensAt+7, 0x80)), "tokens", "range of int")
	refuses(withSum(edited(pendingAt, 41, 0, 0, 0)), "pending token 41, want 0 to 40")
	refuses(withSum(edited(pendingAt, 0xfe)), "pending token -2")
	refuses(withSum(edited(numbersAt-1, 0x80)), "token 47 among its tokens")

	other := open(t, writeModel(t, tiny(), func(w tensors) { w.poke(t, "backbone.layers.1.mixer.D", 0, 4) }), Options{Adapter: GoAdapter})
	_, err := other.LoadState(bytes.NewReader(whole))
	require.EqualError(t, err, "mamba: saved state: got another model's state: its sizes are the same, its weights are others, want one of this model")
}

func TestStateFaults(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		s := newState(t, m)
		prefill(t, m, s, []int{1, 2, 3})
		whole := saved(t, s)
		broken := errors.New("broken")
		for _, n := range []int{0, 5, 100, len(whole) - 3, len(whole)} {
			_, err := m.LoadState(io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken)))
			require.ErrorIs(t, err, broken)
			require.Equal(t, 1, usedSlots(m))
		}
		for _, n := range []int{0, 5, 100, len(whole) - 3} {
			require.ErrorIs(t, s.Save(&fullWriter{n, broken}), broken)
		}
		again, err := m.LoadState(iotest.OneByteReader(bytes.NewReader(whole)))
		require.NoError(t, err)
		require.NoError(t, again.Close())
		require.Equal(t, ErrClosed, again.Save(io.Discard))
		require.NoError(t, m.Close())
		require.Equal(t, ErrClosed, s.Save(io.Discard))
		_, err = m.LoadState(bytes.NewReader(whole))
		require.Equal(t, ErrClosed, err)
	})
}

// fullWriter takes so many bytes.
type fullWriter struct {
	left int
	err  error
}

func (w *fullWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

func TestStateFile(t *testing.T) {
	m := newTiny(t, Options{Adapter: GoAdapter})
	s := newState(t, m)
	prefill(t, m, s, []int{1, 2, 3})
	dir := t.TempDir()
	path := filepath.Join(dir, "a.state")
	require.NoError(t, s.SaveFile(path))
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, saved(t, s), first)
	prefill(t, m, s, []int{4})
	require.NoError(t, s.SaveFile(path))
	again, err := m.LoadStateFile(path)
	require.NoError(t, err)
	require.Equal(t, saved(t, s), saved(t, again))
	require.NoError(t, again.Close())

	require.ErrorIs(t, again.SaveFile(path), ErrClosed)
	require.ErrorIs(t, s.SaveFile(filepath.Join(dir, "none", "a.state")), fs.ErrNotExist)
	require.Error(t, s.SaveFile(dir))
	_, err = m.LoadStateFile(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "nothing else is left behind")
	require.NoError(t, os.Truncate(path, 50))
	_, err = m.LoadStateFile(path)
	require.ErrorContains(t, err, path+": got a file that ends after 50 bytes")
	if runtime.GOOS != "windows" {
		require.NoError(t, s.SaveFile(os.DevNull))
		info, err := os.Stat(os.DevNull)
		require.NoError(t, err)
		require.False(t, info.Mode().IsRegular())
	}
}

// TestStateOfOverflow saves numbers that are none.
func TestStateOfOverflow(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		s := newState(t, m)
		values := make([]float32, s.Size()/4)
		for i := range values {
			values[i] = math.Float32frombits(0x7fc00000 + uint32(i))
		}
		values[0], values[1], values[2] = float32(math.Inf(1)), float32(math.Copysign(0, -1)), 1e-45
		require.NoError(t, m.backend.writeState(s.slot, values))
		data := saved(t, s)
		assert.Equal(t, data, saved(t, loaded(t, m, data)))
	})
}

func FuzzLoadState(f *testing.F) {
	c := tiny() // and smaller: short inputs are fuzzed faster
	c.DModel, c.NLayer, c.DInner, c.DState, c.DConv, c.DTRank = 2, 1, 3, 2, 2, 1
	m := open(f, writeModel(f, c, nil), Options{Adapter: GoAdapter})
	s := newState(f, m)
	f.Add(saved(f, s))
	require.NoError(f, m.Prepare(ctx, s, []int{1, 2, 3}))
	whole := saved(f, s)
	f.Add(whole)
	f.Add(whole[:50])
	f.Add(append(slices.Clone(whole), 1))
	for _, at := range []int{0, versionAt, sizesAt, weightsAt, tokensAt, pendingAt, setAt, numbersAt, len(whole) - 8} {
		data := slices.Clone(whole)
		data[at] ^= 0x81
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range [][]byte{data, withSum(append(slices.Clone(data), make([]byte, 8)...))} {
			s, err := m.LoadState(bytes.NewReader(d))
			if err != nil {
				require.ErrorAs(t, err, new(*StateError))
				continue
			}
			require.Equal(t, d, saved(t, s), "what loads is what was saved")
			require.NoError(t, s.Close())
		}
	})
}
