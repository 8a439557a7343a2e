package cpu

// blockRows is how many rows of a meet each row of w while it is in the
// nearest cache. 16 float64 rows of 1536 elements are 192 KiB: second-level
// cache.
const blockRows = 16

// product is a times the transpose of w: it calls store once for each row i < m
// of a and each row j < n of w, with
//
//	sum = sum_l<k a[i*lda+offA+l] * w[j*k+l]
//
// store is called from several goroutines, each with its own values of j.
func product(m, n, k, lda, offA int, a, w []float32, store func(i, j int, sum float64)) {
	wide := make([]float64, min(m, blockRows)*k)
	for first := 0; first < m; first += blockRows {
		rows := min(blockRows, m-first)
		for i := range rows {
			start := (first+i)*lda + offA
			widen(wide[i*k:(i+1)*k], a[start:start+k])
		}
		parallel(n, rows*(k+8), func(lo, hi int) {
			for j := lo; j < hi; j++ {
				row := w[j*k : (j+1)*k]
				i := 0
				for ; i+1 < rows; i += 2 {
					s, t := dot2(row, wide[i*k:(i+1)*k], wide[(i+1)*k:(i+2)*k])
					store(first+i, j, s)
					store(first+i+1, j, t)
				}
				if i < rows {
					store(first+i, j, dot(row, wide[i*k:(i+1)*k]))
				}
			}
		})
	}
}

// widen converts src to float64; dst and src have the same length.
func widen(dst []float64, src []float32) {
	for i, v := range src {
		dst[i] = float64(v)
	}
}

// dot is sum_k w[k]*x[k] in four partial sums, so that an addition need not
// wait for the one before it.
func dot(w []float32, x []float64) float64 {
	var s0, s1, s2, s3 float64
	for len(w) >= 4 && len(x) >= 4 {
		s0 += float64(w[0]) * x[0]
		s1 += float64(w[1]) * x[1]
		s2 += float64(w[2]) * x[2]
		s3 += float64(w[3]) * x[3]
		w, x = w[4:], x[4:]
	}
	for i := range min(len(w), len(x)) {
		s0 += float64(w[i]) * x[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// dot2 is dot(w, x) and dot(w, y) to the same bits, each w[k] converted once.
func dot2(w []float32, x, y []float64) (float64, float64) {
	var s0, s1, s2, s3 float64
	var t0, t1, t2, t3 float64
	for len(w) >= 4 && len(x) >= 4 && len(y) >= 4 {
		w0, w1, w2, w3 := float64(w[0]), float64(w[1]), float64(w[2]), float64(w[3])
		s0 += w0 * x[0]
		s1 += w1 * x[1]
		s2 += w2 * x[2]
		s3 += w3 * x[3]
		t0 += w0 * y[0]
		t1 += w1 * y[1]
		t2 += w2 * y[2]
		t3 += w3 * y[3]
		w, x, y = w[4:], x[4:], y[4:]
	}
	for i := range min(len(w), len(x), len(y)) {
		s0 += float64(w[i]) * x[i]
		t0 += float64(w[i]) * y[i]
	}
	return (s0 + s1) + (s2 + s3), (t0 + t1) + (t2 + t3)
}
