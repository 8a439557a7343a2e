package cpu

import "github.com/mambagpu/mambagpu/shaders"

// DtScanStep is the second half of a step of a Mamba block, up to what out_proj takes:
//
//	(dt, B, C) = sum_g parts[g]              (R + 2N)
//	d = softplus(W_dt dt + bias)             (E)
//	h = exp(d A) . h + (d u) B               (E, N)
//	y = (sum_n h C + D u) silu(z)            (E)
//
// uz is (B, 2E), u then z, parts (groups, B, R+2N padded to fours), wdt (E, R),
// weights A (E, N), then D (E), then bias (E), slots (B), state (slots, E, N), y (B, E).
func DtScanStep(p shaders.DtScanStepParams, uz, parts, wdt, weights []float32, slots []uint32, state, y []float32) {
	recurrence(p, uz, parts, wdt, weights, slots, state, func(row, e int, sum float64) {
		y[row*p.Channels+e] = float32(sum * silu(float64(uz[(row*2+1)*p.Channels+e])))
	})
}

// recurrence calls out with sum_n h C + D u of every sequence and channel, from several
// goroutines.
func recurrence(p shaders.DtScanStepParams, uz, parts, wdt, weights []float32, slots []uint32, state []float32, out func(row, e int, sum float64)) {
	width := p.Rank + 2*p.States
	stride := (width + 3) / 4 * 4
	sums := make([]float64, width)
	dt, b, c := sums[:p.Rank], make([]float32, p.States), make([]float32, p.States)
	for row := range p.Rows {
		clear(sums)
		for g := range p.Groups {
			for j, v := range parts[(g*p.Rows+row)*stride:][:width] {
				sums[j] += float64(v)
			}
		}
		for n := range p.States {
			b[n], c[n] = float32(sums[p.Rank+n]), float32(sums[p.Rank+p.States+n])
		}
		u := uz[row*2*p.Channels:][:p.Channels]
		parallel(p.Channels, p.Rank+10*p.States+50, func(lo, hi int) {
			h := make([]float64, p.States)
			for e := lo; e < hi; e++ {
				kept := state[(int(slots[row])*p.Channels+e)*p.States:][:p.States]
				widen(h, kept)
				d := softplus(dot(wdt[e*p.Rank:(e+1)*p.Rank], dt) + float64(weights[p.Channels*(p.States+1)+e]))
				sum := recur(h, weights[e*p.States:], nil, b, c, d, d*float64(u[e]))
				sum += float64(weights[p.Channels*p.States+e]) * float64(u[e])
				out(row, e, sum)
				for n, v := range h {
					kept[n] = float32(v)
				}
			}
		})
	}
}
