package mamba

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
)

// A saved state, all numbers little-endian:
//
//	16 bytes  magic
//	uint32    version
//	7 uint32  d_model, n_layer, d_inner, d_state, d_conv, dt_rank, vocab_size
//	32 bytes  fingerprint of the weights
//	uint64    tokens taken in
//	int32     the pending token, or -1
//	bytes     the tokens of the sequence as a set: a bit for each of vocab_size
//	float32s  for each layer (d_inner, d_conv-1) inputs of the convolution, the
//	          oldest first, then (d_inner, d_state) numbers of the recurrence
//	uint64    CRC-64 (ECMA) of all bytes before
//
// Its length follows from the sizes.
const (
	stateMagic   = "mambagpu state\r\n"
	stateVersion = 1
)

var stateCRC = crc64.MakeTable(crc64.ECMA)

// StateError says that a file is not a saved state that a model can go on
// from.
type StateError struct {
	Path string // empty where the state does not come from a named file
	Got  string // what was found
	Want string // what was expected
}

// Error gives "mamba: PATH: got X, want Y".
func (e *StateError) Error() string {
	path := e.Path
	if path == "" {
		path = "saved state"
	}
	return fmt.Sprintf("mamba: %s: got %s, want %s", path, e.Got, e.Want)
}

// stateHeader is what a saved state begins with, behind the magic.
type stateHeader struct {
	Version     uint32
	Sizes       [7]uint32
	Fingerprint fingerprint
	Tokens      uint64
	Pending     int32
}

var sizeNames = [7]string{"d_model", "n_layer", "d_inner", "d_state", "d_conv", "dt_rank", "vocab_size"}

func sizesOf(c ModelConfig) [7]uint32 {
	var sizes [7]uint32
	for i, n := range []int{c.DModel, c.NLayer, c.DInner, c.DState, c.DConv, c.DTRank, c.VocabSize} {
		sizes[i] = uint32(n)
	}
	return sizes
}

// Save writes the state, the pending token included. A model of the same
// weights goes on from it with [Model.LoadState] as if it had never stopped, on
// the same kind of device bit for bit; states saved on one device load on any
// other. Errors: [ErrClosed], those of w and of package wgpu.
func (s *State) Save(w io.Writer) error {
	h, seen, values, err := s.content()
	if err != nil {
		return err
	}
	sum := crc64.New(stateCRC)
	b := bufio.NewWriter(io.MultiWriter(w, sum))
	b.WriteString(stateMagic)
	for _, part := range []any{h, []byte(seen), values} {
		if err := binary.Write(b, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	if err := b.Flush(); err != nil {
		return err
	}
	_, err = w.Write(binary.LittleEndian.AppendUint64(nil, sum.Sum64()))
	return err
}

// content reads the state from the device.
func (s *State) content() (h stateHeader, seen idSet, values []float32, err error) {
	m := s.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return h, nil, nil, ErrClosed
	}
	if err := s.usable(); err != nil {
		return h, nil, nil, err
	}
	h = stateHeader{stateVersion, sizesOf(m.config), m.fingerprint, uint64(s.tokens), int32(s.pending)}
	seen = newIDSet(m.config.VocabSize)
	copy(seen, s.seen)
	values = make([]float32, StateSize(m.config)/4)
	return h, seen, values, m.backend.readState(s.slot, values)
}

// SaveFile is [State.Save] to a file, which is replaced only by a whole one.
func (s *State) SaveFile(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe, say
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("mamba: %w", err)
		}
		return errors.Join(s.Save(f), f.Close())
	}
	part := fmt.Sprintf("%s.%x.part", path, rand.Uint64())
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("mamba: %w", err)
	}
	err = errors.Join(s.Save(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}

// LoadState returns a state that [State.Save] wrote on a model of the same
// weights, on whatever device. Close it when done. It reads all of r, and no
// more than a state has whatever r holds. What is no such state, for another
// model, incomplete, damaged, or followed by something is a [*StateError].
// Other errors: those of r and of [Model.NewState].
func (m *Model) LoadState(r io.Reader) (*State, error) {
	f := &stateReader{r: bufio.NewReader(r), sum: crc64.New(stateCRC)}
	h := f.header(m)
	seen := newIDSet(m.config.VocabSize)
	f.read(seen, "its tokens")
	values := f.floats(StateSize(m.config) / 4)
	f.end(m, h, seen)
	if f.err != nil {
		return nil, f.err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.newState()
	if err != nil {
		return nil, err
	}
	if err := m.backend.writeState(s.slot, values); err != nil {
		m.used[s.slot] = false
		return nil, err
	}
	s.tokens, s.pending, s.seen = int(h.Tokens), int(h.Pending), seen
	return s, nil
}

// LoadStateFile is [Model.LoadState] of a file.
func (m *Model) LoadStateFile(path string) (*State, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("mamba: %w", err)
	}
	defer file.Close()
	s, err := m.LoadState(file)
	if e, ok := errors.AsType[*StateError](err); ok {
		e.Path = path
	}
	return s, err
}

// stateReader reads a saved state part by part until something fails.
type stateReader struct {
	r    *bufio.Reader
	sum  hash.Hash64
	size int64 // bytes read
	err  error
}

func (f *stateReader) fail(got, want string) {
	if f.err == nil {
		f.err = &StateError{Got: got, Want: want}
	}
}

// read fills p; what names it.
func (f *stateReader) read(p []byte, what string) {
	if f.err != nil {
		return
	}
	n, err := io.ReadFull(f.r, p)
	f.size += int64(n)
	f.sum.Write(p[:n])
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		f.fail(fmt.Sprintf("a file that ends after %d bytes, within %s", f.size, what), "a whole saved state")
	case err != nil:
		f.err = fmt.Errorf("mamba: saved state: %w", err)
	}
}

// header reads up to the tokens and checks what the rest's length depends on.
func (f *stateReader) header(m *Model) (h stateHeader) {
	magic := make([]byte, len(stateMagic))
	f.read(magic, "its header")
	if !strings.HasPrefix(stateMagic, string(magic[:f.size])) {
		f.err = nil
		f.fail("something else", "a saved state, as State.Save and generate --save-state write it")
	}
	version := make([]byte, 4)
	f.read(version, "its header")
	if v := binary.LittleEndian.Uint32(version); f.err == nil && v != stateVersion {
		f.fail(fmt.Sprintf("version %d", v), fmt.Sprintf("version %d", stateVersion))
	}
	rest := make([]byte, binary.Size(h)-len(version))
	f.read(rest, "its header")
	if f.err != nil {
		return h
	}
	if _, err := binary.Decode(append(version, rest...), binary.LittleEndian, &h); err != nil {
		f.err = err
		return h
	}
	f.checkSizes(h.Sizes, sizesOf(m.config))
	return h
}

// checkSizes names the sizes that differ.
func (f *stateReader) checkSizes(got, want [7]uint32) {
	var gots, wants []string
	for i, name := range sizeNames {
		if got[i] != want[i] {
			gots = append(gots, fmt.Sprintf("%s %d", name, got[i]))
			wants = append(wants, fmt.Sprintf("%s %d", name, want[i]))
		}
	}
	if len(gots) > 0 {
		f.fail("another model's state: "+strings.Join(gots, ", "), strings.Join(wants, ", "))
	}
}

func (f *stateReader) floats(n int) []float32 {
	if f.err != nil {
		return nil
	}
	values := make([]float32, n)
	raw := make([]byte, 32<<10)
	for rest := values; len(rest) > 0 && f.err == nil; {
		part := raw[:min(len(raw), 4*len(rest))]
		f.read(part, "its numbers")
		for i := range len(part) / 4 {
			rest[i] = math.Float32frombits(binary.LittleEndian.Uint32(part[4*i:]))
		}
		rest = rest[len(part)/4:]
	}
	return values
}

// end reads the checksum and checks what was read before.
func (f *stateReader) end(m *Model, h stateHeader, seen idSet) {
	want := f.sum.Sum64()
	crc := make([]byte, 8)
	f.read(crc, "its checksum")
	if f.err != nil {
		return
	}
	vocab := m.config.VocabSize
	seen.each(func(id int) {
		if id >= vocab {
			f.fail(fmt.Sprintf("token %d among its tokens", id), fmt.Sprintf("0 to %d", vocab-1))
		}
	})
	switch _, err := f.r.Peek(1); {
	case binary.LittleEndian.Uint64(crc) != want:
		f.err = nil
		f.fail(fmt.Sprintf("damaged data of checksum %016x", want), fmt.Sprintf("%016x", binary.LittleEndian.Uint64(crc)))
	case err == nil:
		f.fail("a saved state with more behind it", fmt.Sprintf("%d bytes", f.size))
	case !errors.Is(err, io.EOF):
		f.err = fmt.Errorf("mamba: saved state: %w", err)
	case h.Fingerprint != m.fingerprint:
		f.fail("another model's state: its sizes are the same, its weights are others", "one of this model")
	case h.Pending != NoToken && (h.Pending < 0 || int(h.Pending) >= vocab):
		f.fail(fmt.Sprintf("the pending token %d", h.Pending), fmt.Sprintf("0 to %d, or %d for none", vocab-1, NoToken))
	case h.Tokens > math.MaxInt:
		f.fail(fmt.Sprintf("%d tokens", h.Tokens), "a number in the range of int")
	}
}
