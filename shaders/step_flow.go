package shaders

import "math"

// StepFlow is the sizes of the array by which the two dispatches of a layer's step hand on
// what they computed where sums over channels go through bins (FlowInStep, FlowOutStep). As
// numbers it is
//
//	out_proj's sums (Width), x_proj's sums (Outputs, padded to fours),
//	the residual that the layer began with (Width), u and z (2 Channels)
//
// The sums come first, so that one run of words has to be zero before a step. In memory each
// of them is flags, in four words, then its bins:
//
// A sum that many workgroups add to has no order, and floats depend on it. Whole numbers do
// not, and adding them is what WebGPU promises to do at once. So a sum has a word in each of
// FlowBins bins, whose units are 22 bits apart, 2^-114 to 2^106 (J. Demmel and H. D. Nguyen,
// Parallel Reproducible Summation, IEEE Trans. Computers 64(7), 2015). A number is rounded to
// whole units of the largest bin that it has a unit of, and what that leaves, of either sign,
// to whole units of the next: it is kept to 2^-23 of its size, or 2^-115. A word has room for
// MaxFlowParts such numbers, of 22 bits and a sign, so a sum is the same to the bit whatever the
// order. Numbers usually are from 2^-48 to 2^18, and who reads four sums at a time asks for these
// numbers' four bins alone; flags say that there are others (1), or that something was infinite
// or no number, and then all sums are NaN (2).
type StepFlow struct {
	Width    int // d_model, a multiple of 4
	Channels int // d_inner, a multiple of 4
	Outputs  int // of x_proj
}

const (
	// FlowBins is the number of bins of a sum.
	FlowBins = 11
	// MaxFlowParts is the number of parts that a sum in bins may have.
	MaxFlowParts = 511

	flowBinBits   = 22
	flowBinLowest = -114 // exponent of the lowest unit
	flowFlagOther = 1
	flowFlagNaN   = 2
	flowFlagWords = 4
)

// flowPlaces are where things begin in a StepFlow, in words.
type flowPlaces struct {
	Out, X, Residual, UZ int
	OutCount, XCount     int // sums of each kind
}

func (f StepFlow) places() flowPlaces {
	p := flowPlaces{OutCount: f.Width, XCount: partsStride(f.Outputs)}
	p.X = p.Out + flowFlagWords + FlowBins*p.OutCount
	p.Residual = p.X + flowFlagWords + FlowBins*p.XCount
	p.UZ = p.Residual + f.Width
	return p
}

// Words is the size of the array in words.
func (f StepFlow) Words() int { return f.places().UZ + 2*f.Channels }

// SumWords is the number of words, the first ones, that are zero before a step.
func (f StepFlow) SumWords() int { return f.places().Residual }

// Numbers is the number of its numbers.
func (f StepFlow) Numbers() int { return 2*f.Width + partsStride(f.Outputs) + 2*f.Channels }

// Pack lays numbers out as they are in memory.
func (f StepFlow) Pack(numbers []float32) []uint32 {
	p, words := f.places(), make([]uint32, f.Words())
	addToBins(words[p.Out:], p.OutCount, numbers[:p.OutCount])
	addToBins(words[p.X:], p.XCount, numbers[p.OutCount:][:p.XCount])
	for i, v := range numbers[p.OutCount+p.XCount:] {
		words[p.Residual+i] = math.Float32bits(v)
	}
	return words
}

// Unpack takes the numbers out of the words that Pack makes.
func (f StepFlow) Unpack(words []uint32, numbers []float32) {
	p := f.places()
	sumBins(words[p.Out:], p.OutCount, numbers[:p.OutCount])
	sumBins(words[p.X:], p.XCount, numbers[p.OutCount:][:p.XCount])
	for i := range numbers[p.OutCount+p.XCount:] {
		numbers[p.OutCount+p.XCount+i] = math.Float32frombits(words[p.Residual+i])
	}
}

// addToBins adds a part to each of count sums, flags first.
func addToBins(words []uint32, count int, parts []float32) {
	for i, v := range parts {
		exponent := int(math.Float32bits(v) >> 23 & 255)
		switch {
		case v == 0:
			continue
		case exponent == 255:
			words[0] |= flowFlagNaN
			continue
		}
		bin := max((exponent-127-flowBinLowest)/flowBinBits, 1)
		filled := math.Ldexp(float64(v), -flowBinLowest-flowBinBits*bin)
		whole := math.RoundToEven(filled)
		at := flowFlagWords + bin*count + i
		words[at] += uint32(int32(whole))
		words[at-count] += uint32(int32(math.RoundToEven(math.Ldexp(filled-whole, flowBinBits))))
		if bin < 3 || bin > 5 {
			words[0] |= flowFlagOther
		}
	}
}

// sumBins takes count sums out of their bins, flags first.
func sumBins(words []uint32, count int, sums []float32) {
	for i := range sums {
		sum := 0.0
		for bin := range FlowBins {
			sum += math.Ldexp(float64(int32(words[flowFlagWords+bin*count+i])), flowBinLowest+flowBinBits*bin)
		}
		if words[0]&flowFlagNaN != 0 {
			sum = math.NaN()
		}
		sums[i] = float32(sum)
	}
}
