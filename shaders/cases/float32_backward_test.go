package cases

import (
	"maps"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func init() {
	maps.Copy(float32Kernels, map[string]func(params any, a []Arg){
		"selective_scan_complex_backward": complexScanBackward32,
		"modulated_scan_backward":         modulatedScanBackward32,
		"discretize_backward":             discretizeBackward32,
	})
}

// pair32 is element i of interleaved real and imaginary parts.
func pair32(x []float32, i int) complex64 { return complex(x[2*i], x[2*i+1]) }

func conj32(z complex64) complex64 { return complex(real(z), -imag(z)) }

func addPair32(x []float32, i int, z complex64) {
	x[2*i] += real(z)
	x[2*i+1] += imag(z)
}

// initial32 is the states (length+1, states) of a walk, of which the first is that of
// a slot, or zero.
func initial32(state []float32, fresh bool, first, length, states int) []complex64 {
	h := make([]complex64, (length+1)*states)
	if !fresh {
		for n := range states {
			h[n] = pair32(state, first+n)
		}
	}
	return h
}

func complexScanBackward32(params any, args []Arg) {
	p := params.(shaders.ComplexScanParams)
	u, delta, bc, z, weights, slots, state := args[0].F32, args[1].F32, args[2].F32, args[3].F32, args[4].F32, args[5].U32, args[6].F32
	dy, dbc, dz, dweights, dstate := args[7].F32, args[8].F32, args[9].F32, args[10].F32, args[11].F32
	size, ns := 2*p.States, p.States
	if !p.SharedA {
		size *= p.Channels
	}
	for row := range p.Batch * p.Length {
		clear(dbc[row*p.BCStride+p.OffB:][:2*ns])
		clear(dbc[row*p.BCStride+p.OffC:][:2*ns])
	}
	for b := range p.Batch {
		for e := range p.Channels {
			a, da := weights[:size], dweights[:size]
			if !p.SharedA {
				a, da = a[2*e*ns:], da[2*e*ns:]
			}
			var skip, bias float32
			at := size + e // of D, then of bias
			atBias := at
			if p.HasD {
				skip, atBias = weights[at], at+p.Channels
			}
			if p.HasBias {
				bias = weights[atBias]
			}
			step := func(row int) (raw, d float32) {
				raw = delta[row*p.Channels+e] + bias
				if p.Softplus {
					return raw, softplus32(raw)
				}
				return raw, raw
			}
			decay := func(d float32, n int) complex64 {
				c, s := turn32(d, a[2*n+1])
				f := exp2(d * (a[2*n] * math.Log2E))
				return complex(f*c, f*s)
			}
			h := initial32(state, p.Fresh, (int(slots[b])*p.Channels+e)*ns, p.Length, ns)
			for t := range p.Length {
				row := b*p.Length + t
				_, d := step(row)
				for n := range ns {
					h[(t+1)*ns+n] = decay(d, n)*h[t*ns+n] + complex(d*u[row*p.Channels+e], 0)*pair32(bc[row*p.BCStride+p.OffB:], n)
				}
			}
			g := make([]complex64, ns)
			for t := p.Length - 1; t >= 0; t-- {
				row := b*p.Length + t
				i := row*p.Channels + e
				raw, d := step(row)
				bt, ct := bc[row*p.BCStride+p.OffB:], bc[row*p.BCStride+p.OffC:]
				grad := dy[i]
				if p.HasZ {
					y, k := skip*u[i], row*p.ZStride+p.OffZ+e
					for n := range ns {
						y += 2 * real(h[(t+1)*ns+n]*pair32(ct, n))
					}
					gate := sigmoid32(z[k])
					dz[k] = grad * y * gate * (1 + z[k]*(1-gate))
					grad *= z[k] * gate
				}
				var du, dd float32
				for n := range ns {
					f := decay(d, n)
					gn := g[n] + complex(2*grad, 0)*conj32(pair32(ct, n))
					q := gn * conj32(f*h[t*ns+n])
					gb := real(gn * conj32(pair32(bt, n)))
					addPair32(dbc[row*p.BCStride+p.OffB:], n, complex(d*u[i], 0)*gn)
					addPair32(dbc[row*p.BCStride+p.OffC:], n, complex(2*grad, 0)*conj32(h[(t+1)*ns+n]))
					addPair32(da, n, complex(d, 0)*q)
					du += d * gb
					dd += u[i]*gb + real(q*conj32(pair32(a, n)))
					g[n] = conj32(f) * gn
				}
				if p.Softplus {
					dd *= sigmoid32(raw)
				}
				if p.HasD {
					dweights[at] += grad * u[i]
				}
				if p.HasBias {
					dweights[atBias] += dd
				}
				delta[i], dy[i] = dd, du+skip*grad
			}
			for n, v := range g {
				k := 2 * ((b*p.Channels+e)*ns + n)
				dstate[k], dstate[k+1] = real(v), imag(v)
			}
		}
	}
}

func modulatedScanBackward32(params any, args []Arg) {
	p := params.(shaders.ModulatedScanParams)
	u, cells, s, weights, slots, state := args[0].F32, args[1].F32, args[2].F32, args[3].F32, args[4].U32, args[5].F32
	dy, dcells, ds, dweights, dstate := args[6].F32, args[7].F32, args[8].F32, args[9].F32, args[10].F32
	ns := p.States
	size := p.Channels * ns
	clear(dcells)
	for b := range p.Batch {
		for e := range p.Channels {
			h := initial32(state, p.Fresh, (int(slots[b])*p.Channels+e)*ns, p.Length, ns)
			for t := range p.Length {
				row := b*p.Length + t
				x, bt := u[row*p.Channels+e], s[row*p.Stride+p.OffB+e]
				for n := range ns {
					f, phi := pair32(cells, 2*(row*ns+n)), pair32(cells, 2*(row*ns+n)+1)
					h[(t+1)*ns+n] = f*h[t*ns+n] + complex(weights[e*ns+n]*x, 0)*phi + complex(bt*x, 0)
				}
			}
			g := make([]complex64, ns)
			for t := p.Length - 1; t >= 0; t-- {
				row := b*p.Length + t
				i := row*p.Channels + e
				x, grad, bt, ct := u[i], dy[i], s[row*p.Stride+p.OffB+e], s[row*p.Stride+p.OffC+e]
				var held, sumG, sumH float32
				for n := range ns {
					f, phi, w := pair32(cells, 2*(row*ns+n)), pair32(cells, 2*(row*ns+n)+1), e*ns+n
					gn := g[n] + complex(2*grad*(weights[size+w]+ct), 0)
					gp := real(gn * conj32(phi))
					addPair32(dcells, 2*(row*ns+n), gn*conj32(h[t*ns+n]))
					addPair32(dcells, 2*(row*ns+n)+1, complex(weights[w]*x, 0)*gn)
					dweights[w] += gp * x
					dweights[size+w] += 2 * grad * real(h[(t+1)*ns+n])
					held += gp * weights[w]
					sumG += real(gn)
					sumH += real(h[(t+1)*ns+n])
					g[n] = conj32(f) * gn
				}
				dweights[2*size+e] += grad * x
				ds[row*p.Stride+p.OffB+e], ds[row*p.Stride+p.OffC+e] = x*sumG, 2*grad*sumH
				dy[i] = held + bt*sumG + weights[2*size+e]*grad
			}
			for n, v := range g {
				k := 2 * ((b*p.Channels+e)*ns + n)
				dstate[k], dstate[k+1] = real(v), imag(v)
			}
		}
	}
}

func discretizeBackward32(params any, args []Arg) {
	p, s, a, dcells, ds, da := params.(shaders.DiscretizeParams), args[0].F32, args[1].F32, args[2].F32, args[3].F32, args[4].F32
	for n := range p.States {
		an := pair32(a, n)
		if p.Log {
			an = complex(-exp32(a[n]), a[p.States+n])
		}
		var sum, sumIm inParts
		for t := range p.Rows {
			row, out := s[t*p.Stride:], ds[t*p.Stride:]
			delta := row[p.OffDelta]
			if p.Softplus {
				delta = softplus32(delta)
			}
			if n == 0 {
				out[p.OffDelta] = 0
			}
			var cell [4]float32
			hold32(delta, real(an), imag(an), cell[:])
			abar, phi := pair32(cell[:], 0), pair32(cell[:], 1)
			df, dphi := pair32(dcells, 2*(t*p.States+n)), pair32(dcells, 2*(t*p.States+n)+1)
			q := df * conj32(abar)
			if p.Modulated {
				m := sigmoid32(row[p.OffMod+n])
				out[p.OffMod+n] = real(q) * m * (1 - m)
				q *= complex(m, 0)
			}
			out[p.OffDelta] += real(q*conj32(an)) + real(dphi*conj32(abar))
			d := complex(delta, 0)*q + dphi*conj32(holdSlope32(delta, an, abar, phi))
			sum.add(real(d))
			sumIm.add(imag(d))
			if n == p.States-1 && p.Softplus {
				out[p.OffDelta] *= sigmoid32(row[p.OffDelta])
			}
		}
		if p.Log {
			da[n] += (sum.all + sum.part) * real(an)
			da[p.States+n] += sumIm.all + sumIm.part
			continue
		}
		da[2*n] += sum.all + sum.part
		da[2*n+1] += sumIm.all + sumIm.part
	}
}

// holdSlope32 is the derivative of phi by a, as a series where z is small.
func holdSlope32(delta float32, a, abar, phi complex64) complex64 {
	z := complex(delta, 0) * a
	if real(z)*real(z)+imag(z)*imag(z) >= 1 {
		return (complex(delta, 0)*abar - phi) / a
	}
	var sum complex64
	term := complex64(0.5)
	for k := float32(1); k < 12; k++ {
		sum += term * complex(k, 0)
		term *= z / complex(k+2, 0)
	}
	return complex(delta*delta, 0) * sum
}
