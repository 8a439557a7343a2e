package mamba

import (
	"math"
	"math/cmplx"
)

// layerTwin is the input-modulated layer in float64, written from the
// definition in the documentation of Layer and nothing else.
type layerTwin struct {
	d, e, n, k int
	norm       Norm
	eps        float64
	p          parameters
}

func newLayerTwin(l *Layer) layerTwin {
	c := l.config
	return layerTwin{c.DModel, c.DModel * c.Expand, c.DState, c.DConv, c.Norm, c.NormEps, l.params}
}

// at is element i of a parameter.
func (w layerTwin) at(name string, i int) float64 { return float64(w.p[name].Data[i]) }

// linear is W x + b.
func (w layerTwin) linear(name string, x []float64) []float64 {
	weight, bias := w.p[name+".weight"].Data, w.p[name+".bias"].Data
	y := make([]float64, len(bias))
	for i := range y {
		sum := float64(bias[i])
		for j, v := range x {
			sum += float64(weight[i*len(x)+j]) * v
		}
		y[i] = sum
	}
	return y
}

// forward takes one sequence x (L, d) through the layer.
func (w layerTwin) forward(x []float32) []float64 {
	length := len(x) / w.d
	var in, out [][]float64
	for t := range length {
		row := make([]float64, w.d)
		for i := range row {
			row[i] = float64(x[t*w.d+i])
		}
		in = append(in, w.linear("in_proj", w.normalised(row)))
		out = append(out, row)
	}
	h := make([]complex128, w.e*w.n)
	var flat []float64
	for t := range length {
		u := make([]float64, w.e)
		for i := range u {
			u[i] = w.at("conv1d.bias", i)
			for k := range w.k {
				if s := t - (w.k - 1) + k; s >= 0 {
					u[i] += w.at("conv1d.weight", i*w.k+k) * in[s][i]
				}
			}
		}
		for i, v := range w.linear("out_proj", w.step(h, u)) {
			flat = append(flat, out[t][i]+v)
		}
	}
	return flat
}

// step moves h (E, N) on by the token u (E) and gives y (E).
func (w layerTwin) step(h []complex128, u []float64) []float64 {
	s := w.linear("s_proj", u)
	delta := math.Log1p(math.Exp(s[0]))
	y := make([]float64, w.e)
	for n := range w.n {
		a := complex(-math.Exp(w.at("a_re", n)), w.at("a_im", n))
		abar := cmplx.Exp(complex(delta, 0) * a)
		phi := (abar - 1) / a
		keep := complex(1/(1+math.Exp(-s[1+n])), 0) * abar
		for e := range w.e {
			i := e*w.n + n
			b, c := s[1+w.n+e], s[1+w.n+w.e+e]
			h[i] = keep*h[i] + (phi*complex(w.at("B", i), 0)+complex(b, 0))*complex(u[e], 0)
			y[e] += 2 * real(complex(w.at("C", i)+c, 0)*h[i])
		}
	}
	for e := range y {
		y[e] += w.at("D", e) * u[e]
	}
	return y
}

func (w layerTwin) normalised(x []float64) []float64 {
	var mean, square float64
	for _, v := range x {
		mean += v / float64(w.d)
	}
	if w.norm != NormLayer {
		mean = 0
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(w.d)
	}
	y := make([]float64, w.d)
	for i, v := range x {
		switch w.norm {
		case NormNone:
			y[i] = v
		case NormRMS:
			y[i] = v / math.Sqrt(square+w.eps) * w.at("norm.weight", i)
		case NormLayer:
			y[i] = (v-mean)/math.Sqrt(square+w.eps)*w.at("norm.weight", i) + w.at("norm.bias", i)
		}
	}
	return y
}
