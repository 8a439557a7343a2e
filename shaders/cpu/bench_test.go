package cpu_test

import (
	"fmt"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
)

// BenchmarkMatvec multiplies with in_proj of mamba-130m. SetBytes is the bytes
// of weights.
func BenchmarkMatvec(b *testing.B) {
	for _, m := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("M=%d", m), func(b *testing.B) {
			p := shaders.MatmulParams{M: m, N: 3072, K: 768, LDA: 768, LDC: 3072}
			a, w := ramp(p.M*p.K), ramp(p.N*p.K)
			c := make([]float32, p.M*p.N)
			b.SetBytes(int64(4 * p.N * p.K))
			for b.Loop() {
				cpu.Matvec(p, a, w, nil, c)
			}
			perSecond(b, p.M*p.N*p.K, "GMAC/s")
		})
	}
}

// BenchmarkSelectiveScan runs the scan of mamba-130m.
func BenchmarkSelectiveScan(b *testing.B) {
	for _, length := range []int{1, 128} {
		b.Run(fmt.Sprintf("L=%d", length), func(b *testing.B) {
			p := shaders.SelectiveScanParams{
				Batch: 1, Length: length, Channels: 1536, States: 16,
				BCStride: 80, OffB: 48, OffC: 64, ZStride: 3072, OffZ: 1536, HasZ: true, HasD: true,
			}
			n := length * p.Channels
			u, z, bc, y := ramp(n), ramp(2*n), ramp(length*p.BCStride), make([]float32, n)
			delta, weights := ramp(n), ramp(p.Channels*(p.States+1))
			for i := range weights[:p.Channels*p.States] {
				weights[i] = -float32(i%p.States + 1)
			}
			for i := range delta {
				delta[i] = 0.01
			}
			state := make([]float32, p.Channels*p.States)
			b.SetBytes(int64(4 * 4 * n)) // u, delta, z and y
			for b.Loop() {
				cpu.SelectiveScan(p, u, delta, bc, z, weights, []uint32{0}, state, y)
			}
			perSecond(b, n*p.States, "Gstates/s")
		})
	}
}

// perSecond reports how many billions of n things each iteration did a second.
func perSecond(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
}

// ramp is n values between -1 and 1.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%17-8) / 8
	}
	return x
}
