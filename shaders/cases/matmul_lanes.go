package cases

import "github.com/mambagpu/mambagpu/shaders"

// matmulLanesCases are products of up to 64 rows in whole vectors: of as many columns as
// ask for each of the tiles, of k that lanes share evenly and not.
func matmulLanesCases() []Case {
	var list []Case
	for i, m := range []int{1, 7, 8, 9, 16, 17, 33, 63, 64} {
		t := dtypes[i%5]
		list = append(list, dense(m, 80, 64*(i+1), t), dense(m, 50+i, 4+8*i, dtypes[(i+2)%5]))
	}
	for i, t := range dtypes { // few rows, by each of the tiles for these
		list = append(list, dense(8-i, 2050, 772, t), dense(4+i, 512, 1536, t), dense(3+i, 7, 96, t))
	}
	list = append(list,
		dense(5, 16385, 384, shaders.F16), dense(8, 5120, 768, shaders.F16), dense(3, 5120, 768, shaders.Q4),
		dense(7, 1280, 1536, shaders.F16), dense(6, 2560, 1536, shaders.Q8), dense(8, 10240, 384, shaders.F32),
	)
	for _, t := range dtypes {
		list = append(list, dense(64, 3072, 64, t), dense(64, 770, 260, t), dense(20, 48, 512, t))
	}
	wide := shaders.MatmulParams{M: 21, N: 50, K: 36, LDA: 48, OffA: 8, LDC: 57, OffC: 5, Weights: shaders.F16}
	return append(list,
		withBias(dense(21, 50, 36, shaders.Q8)),
		ending(dense(21, 50, 36, shaders.F16), false, false, true),
		ending(dense(40, 800, 36, shaders.F32), true, false, true),
		matmulCase("columns of wider matrices", wide),
	)
}
