package cases

func selectiveScanCases() []Case {
	var list []Case
	for _, states := range []int{1, 3, 8, 16, 17, 64, 100, 128, 256} {
		list = append(list,
			modelScan(1, 1, 17, states).named("d_state %d, one token", states),
			modelScan(2, 18, 5, states).named("d_state %d, 18 tokens", states),
			modelScan(1, 33, 16, states).named("d_state %d, 33 tokens", states),
		)
	}
	for _, length := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100} {
		list = append(list, modelScan(1, length, 17, 16).named("%d tokens", length))
	}
	for batch := 1; batch <= 3; batch++ {
		for _, channels := range []int{1, 15, 16, 17, 40} {
			list = append(list, modelScan(batch, 20, channels, 16).named("batch %d, %d channels", batch, channels))
		}
	}
	list = append(list, modelScan(1, 100, 40, 256).named("d_state 256, 100 tokens, 40 channels"))
	list = append(list, scanSwitches(9)...)
	list = append(list, scanLayouts(2, 21)...)
	list = append(list, scanExtremes(50)...)
	list = append(list, longScans()...)
	list = append(list, manyScans()...)
	for _, length := range []int{1, 7, 8, 9, 33, 100} {
		list = append(list, generalScan(1, length, 17, 16).named("shared A and m, %d tokens", length))
	}
	list = append(list, scanGeneral(2, 21)...)
	eachHalvesScan(func(name string, spec scanSpec) { list = append(list, spec.named("%s", name)) })
	return append(list, scanPacked()...)
}

func selectiveScanStepCases() []Case {
	var list []Case
	for _, states := range []int{1, 3, 8, 16, 17, 64, 100, 128, 256} {
		for _, channels := range []int{1, 15, 40, 257} {
			list = append(list, modelScan(1, 1, channels, states).named("d_state %d, %d channels", states, channels))
		}
	}
	for _, batch := range []int{2, 3, 8} {
		list = append(list, modelScan(batch, 1, 17, 16).named("batch %d", batch))
	}
	list = append(list, modelScan(1, 1, 1536, 16).named("mamba-130m"))
	list = append(list, scanSwitches(1)...)
	list = append(list, scanLayouts(3, 1)...)
	list = append(list, scanGeneral(3, 1)...)
	return append(list, scanExtremes(1)...)
}

// scanGeneral is scans with A shared by the channels, with modulation and with
// both: every tile, all switches that the weights' layout depends on, a layout,
// and factors far from the usual.
func scanGeneral(batch, length int) []Case {
	var list []Case
	for _, states := range []int{1, 3, 16, 17, 64, 100, 128, 192, 256} {
		list = append(list, generalScan(batch, length, 18, states).named("shared A and m, d_state %d", states))
	}
	for bits := range 16 {
		s := generalScan(batch, length, 18, 5)
		p := &s.p
		p.HasD, p.HasBias = bits&1 != 0, bits&2 != 0
		p.SharedA, p.Modulated = bits&4 != 0, bits&8 != 0
		if !p.SharedA && !p.Modulated {
			continue
		}
		p.Fresh = p.HasD != p.HasBias
		if p.HasBias {
			s.bias = span{0, 0.01}
		}
		list = append(list, s.named("%s", switches(on(p.HasD, "D"), on(p.HasBias, "bias"), on(p.Fresh, "fresh"),
			on(p.SharedA, "shared A"), on(p.Modulated, "modulated"))))
	}
	add := func(name string, edit func(s *scanSpec)) {
		s := generalScan(batch, length, 17, 16)
		s.p.HasD = false
		edit(&s)
		list = append(list, s.named("%s", name))
	}
	add("m before C before B", func(s *scanSpec) { s.p.BCStride, s.p.OffM, s.p.OffC, s.p.OffB = 59, 1, 19, 41 })
	add("B, C and m dense", func(s *scanSpec) { s.p.BCStride, s.p.OffB, s.p.OffC, s.p.OffM = 48, 0, 16, 32 })
	add("m of either sign", func(s *scanSpec) { s.m = span{-1, 1} })
	add("m 0 forgets", func(s *scanSpec) { s.m = span{0, 0} })
	add("m 1, delta 0 keeps the state", func(s *scanSpec) { s.m, s.delta = span{1, 1}, span{0, 0} })
	add("m about 1, slow decay", func(s *scanSpec) { s.m, s.a = span{0.99, 1}, span{-2e-3, -1e-3} })
	add("m 1e-6 to 1, delta 1e-4 to 100", func(s *scanSpec) { s.m, s.delta = span{1e-6, 1}, span{1e-4, 100} })
	return list
}

// scanSwitches is every combination of the switches.
func scanSwitches(length int) []Case {
	var list []Case
	for bits := range 32 {
		s := modelScan(2, length, 18, 5)
		p := &s.p
		p.HasZ, p.HasD, p.HasBias = bits&1 != 0, bits&2 != 0, bits&4 != 0
		p.Softplus, p.Fresh = bits&8 != 0, bits&16 != 0
		if p.HasBias && !p.Softplus {
			s.bias = span{0, 0.01} // the step has to stay positive
		}
		if p.Softplus {
			s.delta, s.bias = span{-4, 1}, span{-1, 1}
		}
		if !p.HasZ {
			p.ZStride, p.OffZ = 0, 0
		}
		list = append(list, s.named("%s", switches(
			on(p.HasZ, "z"), on(p.HasD, "D"), on(p.HasBias, "bias"), on(p.Softplus, "softplus"), on(p.Fresh, "fresh"))))
	}
	return list
}

// scanLayouts is ways of placing B, C and z in memory.
func scanLayouts(batch, length int) []Case {
	dense := modelScan(batch, length, 17, 16)
	dense.p.BCStride, dense.p.OffB, dense.p.OffC = 32, 0, 16
	dense.p.ZStride, dense.p.OffZ = 17, 0

	odd := modelScan(batch, length, 17, 5)
	odd.p.BCStride, odd.p.OffB, odd.p.OffC = 23, 13, 7
	odd.p.ZStride, odd.p.OffZ = 41, 3

	apart := modelScan(batch, length, 18, 100)
	apart.p.BCStride, apart.p.OffB, apart.p.OffC = 311, 1, 205
	return []Case{
		dense.named("B and C dense, z dense"),
		odd.named("C before B, odd offsets"),
		apart.named("gap between B and C"),
	}
}

// scanExtremes is steps and decays far from the usual, without D, which would
// hide a small sum.
func scanExtremes(length int) []Case {
	var list []Case
	eachExtreme(length, func(name string, s scanSpec) { list = append(list, s.named("%s", name)) })
	return list
}

// eachExtreme calls f for each of scanExtremes.
func eachExtreme(length int, f func(name string, s scanSpec)) {
	add := func(name string, edit func(s *scanSpec)) {
		s := modelScan(2, length, 17, 16)
		s.p.HasD = false
		edit(&s)
		f(name, s)
	}
	add("delta 1e-4", func(s *scanSpec) { s.delta = span{1e-4, 1e-4} })
	add("delta 1e-4, zero state, no z", func(s *scanSpec) {
		s.delta, s.p.Fresh, s.p.HasZ, s.p.ZStride, s.p.OffZ = span{1e-4, 1e-4}, true, false, 0, 0
	})
	add("delta 100", func(s *scanSpec) { s.delta = span{100, 100} })
	add("delta 1e-4 to 100", func(s *scanSpec) { s.delta = span{1e-4, 100} })
	add("delta 0 keeps the state", func(s *scanSpec) { s.delta = span{0, 0} })
	add("A = -16", func(s *scanSpec) { s.a = span{-16, -16} })
	add("A = -16, delta 0.1 to 1", func(s *scanSpec) { s.a, s.delta = span{-16, -16}, span{0.1, 1} })
	add("A = -256, delta 0.3", func(s *scanSpec) { s.a, s.delta = span{-256, -256}, span{0.3, 0.3} })
	add("A about -1e-3", func(s *scanSpec) { s.a = span{-2e-3, -1e-3} })
	add("A from -1000 to -1e-6", func(s *scanSpec) { s.a = span{-1000, -1e-6} })
	add("softplus of -10 to -7", func(s *scanSpec) {
		s.p.Softplus, s.p.HasBias, s.p.Fresh = true, true, true
		s.delta, s.bias = span{-5, -4}, span{-5, -3}
		// The sum of delta and bias is rounded to 2^-24 * 10, and with it the
		// logarithm of a step, which scales everything: 1e-6 at the worst.
		s.tol.Rel += 1e-6
	})
	add("softplus of -30 to 100", func(s *scanSpec) {
		s.p.Softplus, s.p.HasBias = true, true
		s.delta, s.bias = span{-25, 90}, span{-5, 10}
	})
}

// scanPacked is sequences of different lengths.
func scanPacked() []Case {
	var list []Case
	for _, lengths := range packedLengths {
		for _, states := range []int{16, 208} {
			for _, fresh := range []bool{false, true} {
				_, longest := packing(lengths)
				s := modelScan(len(lengths), longest, 17, states)
				s.p.Packing, _ = packing(lengths)
				s.p.Fresh, s.lengths = fresh, lengths
				list = append(list, s.named("packed %v, d_state %d%s", lengths, states, on(fresh, ", fresh")))
			}
		}
		for _, states := range []int{16, 256} {
			_, longest := packing(lengths)
			s := generalScan(len(lengths), longest, 17, states)
			s.p.Packing, _ = packing(lengths)
			s.lengths = lengths
			list = append(list, s.named("packed %v, shared A and m, d_state %d", lengths, states))
		}
	}
	return list
}

// manyScans is enough workgroups for the tile of a busy GPU, of tokens around
// its edges.
func manyScans() []Case {
	var list []Case
	for _, states := range []int{1, 16, 17, 64, 96, 128, 256} {
		for _, length := range []int{3, 9, 16} {
			list = append(list, modelScan(128, length, 17, states).named("128 sequences of %d tokens, d_state %d", length, states))
		}
	}
	var lengths []int
	for i := range 128 {
		lengths = append(lengths, 1+i*7%19)
	}
	packed := modelScan(128, 19, 17, 16)
	packed.p.Packing, packed.p.Length = packing(lengths)
	packed.lengths = lengths
	return append(list, packed.named("128 packed sequences of 1 to 19 tokens"))
}

// longScans is many tokens: errors add up over them.
func longScans() []Case {
	slow := modelScan(1, 500, 3, 16)
	slow.p.Fresh, slow.a, slow.delta = true, span{-1, -1}, span{1e-3, 1e-3}

	whole := modelScan(1, 1000, 17, 16)
	many := modelScan(2, 300, 5, 64)
	odd := modelScan(2, 777, 33, 3)
	packed := modelScan(5, 900, 17, 16)
	packed.lengths = []int{40, 900, 1, 333, 80}
	packed.p.Packing, _ = packing(packed.lengths)
	return []Case{
		odd.named("777 tokens, d_state 3, batch 2"),
		packed.named("packed %v", packed.lengths),
		whole.named("1000 tokens"),
		many.named("300 tokens, d_state 64, batch 2"),
		slow.named("500 tokens, slow and equal decay"),
	}
}
