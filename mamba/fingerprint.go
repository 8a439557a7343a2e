package mamba

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// fingerprint tells models apart by every bit of their weights. It is the same
// on all backends and for both layouts of a checkpoint.
type fingerprint [sha256.Size]byte

// summed is a source whose tensors are summed up while they are read, which
// takes no reading of its own.
type summed struct {
	source source
	sums   map[string]*sum
}

func newSummed(s source) *summed { return &summed{s, map[string]*sum{}} }

// Tensor gives a tensor that is summed up as it is read.
func (s *summed) Tensor(name string) (*checkpoint.Tensor, error) {
	t, err := s.source.Tensor(name)
	if err != nil {
		return nil, err
	}
	return t.Through(func(r io.ReaderAt) io.ReaderAt {
		s.sums[name] = &sum{data: r, dtype: t.DType}
		return s.sums[name]
	}), nil
}

// fingerprint is that of the tensors, all of which have been read, and of the
// constants that no tensor shows.
func (s *summed) fingerprint(c ModelConfig) (f fingerprint) {
	h := sha256.New()
	fmt.Fprintf(h, "norm_eps %x\n", math.Float64bits(c.NormEps))
	for _, name := range slices.Sorted(maps.Keys(s.sums)) {
		t := s.sums[name]
		fmt.Fprintf(h, "%s %v %d %08x %08x\n", name, t.dtype, t.size, t.ieee, t.castagnoli)
	}
	h.Sum(f[:0])
	return f
}

// sum is a tensor's bytes and, as far as they have been read, their checksums.
// The two polynomials have no common factor, so that both together detect what
// one of degree 64 does: every burst of up to 64 bits, which is any one weight,
// and all else but one in 2^64. Processors have instructions for both.
type sum struct {
	data             io.ReaderAt
	dtype            checkpoint.DType
	size             int64
	ieee, castagnoli uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ReadAt takes the bytes in that follow those before.
func (s *sum) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.data.ReadAt(p, off)
	if off == s.size {
		s.ieee = crc32.Update(s.ieee, crc32.IEEETable, p[:n])
		s.castagnoli = crc32.Update(s.castagnoli, castagnoli, p[:n])
		s.size += int64(n)
	}
	return n, err
}
