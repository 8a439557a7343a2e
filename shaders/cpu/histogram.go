package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// Histogram adds to bins (Rows, 2, HistogramBins) how many tokens lie how far below
// the row's best, in 32nds of a temperature, and their probabilities:
//
//	d_i = (max_j x'[r,j] - x'[r,i]) / temperature < 32
//	bins[r,0,b] = number of i with b <= 32 d_i < b + 1
//	bins[r,1,b] = sum over them of round(2^14 exp(b/32 - d_i))
//	peaks[r,2,s] = sum of exp(-d_i) over a slice
func Histogram(p shaders.ChoiceParams, x []float32, draws, seen []uint32, peaks []float32, bins []uint32) {
	const n = shaders.HistogramBins
	for r := range p.Rows {
		c := rowOf(p, r, x, draws, seen, peaks)
		counts, masses := bins[2*r*n:][:n], bins[(2*r+1)*n:][:n]
		peak, ok := c.peak()
		for s := range c.slices {
			sum := 0.0
			c.slice(s, func(i int) {
				d := c.distance(peak, c.logit(i))
				if !ok || !(d < shaders.MaxReach) {
					return
				}
				b := int(d * (n / shaders.MaxReach))
				counts[b]++
				masses[b] += uint32(math.Exp(float64(b)*shaders.MaxReach/n-float64(d))*(1<<14) + 0.5)
				sum += math.Exp(-float64(d))
			})
			c.best[2*c.slices+s] = float32(sum)
		}
	}
}
