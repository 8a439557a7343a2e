package cases

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func init() { float32Kernels["selective_scan_backward"] = scanBackward32 }

// scanBackward32 keeps all states of a channel and adds up its sums one term after the
// other.
func scanBackward32(params any, a []Arg) {
	p := params.(shaders.SelectiveScanParams)
	clearWritten(p, a[8].F32)
	for b := range p.Batch {
		for e := range p.Channels {
			channelBackward32(p, a, b, e)
		}
	}
}

// clearWritten zeroes B's and C's gradients, which are added to here.
func clearWritten(p shaders.SelectiveScanParams, dbc []float32) {
	for row := range p.Batch * p.Length {
		clear(dbc[row*p.BCStride+p.OffB:][:p.States])
		clear(dbc[row*p.BCStride+p.OffC:][:p.States])
	}
}

func channelBackward32(p shaders.SelectiveScanParams, args []Arg, b, e int) {
	u, delta, bc, z, w := args[0].F32, args[1].F32, args[2].F32, args[3].F32, args[4].F32
	dy, dbc, dz, dw, dstate := args[7].F32, args[8].F32, args[9].F32, args[10].F32, args[11].F32
	n := p.States
	decays, at := e*n, p.Channels*n // of A, of D and bias
	if p.SharedA {
		decays, at = 0, n
	}
	skipAt, biasAt := at+e, at+e
	var skip, bias float32
	if p.HasD {
		skip = w[skipAt]
		biasAt += p.Channels
	}
	if p.HasBias {
		bias = w[biasAt]
	}
	step := func(row int) float32 {
		d := delta[row*p.Channels+e] + bias
		if p.Softplus {
			return softplus32(d)
		}
		return d
	}
	h := make([]float32, (p.Length+1)*n)
	if !p.Fresh {
		copy(h, args[6].F32[(int(args[5].U32[b])*p.Channels+e)*n:][:n])
	}
	for t := range p.Length {
		row := b*p.Length + t
		d := step(row)
		for i := range n {
			h[(t+1)*n+i] = exp2(d*(w[decays+i]*math.Log2E))*h[t*n+i] + d*u[row*p.Channels+e]*bc[row*p.BCStride+p.OffB+i]
		}
	}
	g := make([]float32, n)
	for t := p.Length - 1; t >= 0; t-- {
		row := b*p.Length + t
		d, x, grad := step(row), u[row*p.Channels+e], dy[row*p.Channels+e]
		if p.HasZ {
			out, gate := skip*x, z[row*p.ZStride+p.OffZ+e]
			for i := range n {
				out += h[(t+1)*n+i] * bc[row*p.BCStride+p.OffC+i]
			}
			open := 1 / (1 + float32(math.Exp(float64(-gate))))
			dz[row*p.ZStride+p.OffZ+e] = grad * out * open * (1 + gate*(1-open))
			grad *= gate * open
		}
		var gb, gah float32
		for i := range n {
			atB, atC := row*p.BCStride+p.OffB+i, row*p.BCStride+p.OffC+i
			g[i] += grad * bc[atC]
			dbc[atC] += grad * h[(t+1)*n+i]
			dbc[atB] += g[i] * d * x
			gb += g[i] * bc[atB]
			g[i] *= exp2(d * (w[decays+i] * math.Log2E))
			gah += g[i] * w[decays+i] * h[t*n+i]
			dw[decays+i] += g[i] * d * h[t*n+i]
		}
		dd := x*gb + gah
		if p.Softplus {
			dd /= 1 + float32(math.Exp(float64(-delta[row*p.Channels+e]-bias)))
		}
		if p.HasD {
			dw[skipAt] += grad * x
		}
		if p.HasBias {
			dw[biasAt] += dd
		}
		delta[row*p.Channels+e], dy[row*p.Channels+e] = dd, d*gb+skip*grad
	}
	if len(dstate) > 0 {
		copy(dstate[(b*p.Channels+e)*n:], g)
	}
}
