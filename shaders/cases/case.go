package cases

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/mambagpu/mambagpu/shaders"
)

// Arg is one buffer of a kernel. The args of a case are in the order of the
// arguments of the kernel's twin after Params.
type Arg struct {
	Name    string    // as in the twin's signature: "u", "delta", ...
	F32     []float32 // the elements, unless they are integers
	U32     []uint32  // the elements if they are integers
	Weights bool      // F32 is a weight matrix, which a GPU stores as Type says
	Type    shaders.DType
	Paired  bool             // the matrix lies as dt_proj reads it
	Halves  int              // F32 lies in halves, in rows of so many, if it is not 0
	Flow    shaders.StepFlow // F32 is flows, if it has a width
	Rows    int              // of a weight matrix
	Cols    int              // of a weight matrix
	Image   []byte           // of a weight matrix of integers, or those of all layers: as it lies in GPU memory
	Slack   uint32           // how far integers may lie from the twin's, where they are rounded sums
	Out     bool             // written by the kernel, and perhaps read too
	Turned  bool             // the matrix lies as in_proj_step reads W_x
}

// Len is the number of elements. An argument that Params switches off, such as
// the bias of a product without one, has none.
func (a Arg) Len() int {
	return len(a.F32) + len(a.U32)
}

// Tolerance is how far an output may lie from the twin's:
//
//	|got - want| <= Abs + Rel * max|want|
//
// where the maximum is over the whole output, because an element that is small
// by cancellation carries the error of the large terms it came from.
type Tolerance struct {
	Abs, Rel float64
}

// Case is one set of inputs of one kernel.
type Case struct {
	Kernel string // as in the kernel's file name: "selective_scan"
	Name   string // what the case stresses, unique within the kernel
	Params any    // the kernel's Params struct of package shaders, by value
	Tol    Tolerance
	fill   func(s *source) []Arg
}

// Args makes the case's buffers: fresh ones at each call, always with the same
// contents. Weight matrices hold only values that their storage type can
// represent.
func (c Case) Args() []Arg {
	seed := fnv.New64a()
	fmt.Fprintf(seed, "%s/%s", c.Kernel, c.Name)
	return c.fill(&source{rand.New(rand.NewPCG(seed.Sum64(), 1))})
}

// String is the kernel and the name of the case.
func (c Case) String() string {
	return c.Kernel + "/" + c.Name
}

// kernels lists the cases' makers in the order of the model's data flow.
var kernels = []struct {
	name string
	make func() []Case
}{
	{"embedding", embeddingCases},
	{"rms_norm", rmsNormCases},
	{"layer_norm", layerNormCases},
	{"matmul", matmulCases},
	{"matmul_sum", matmulSumCases},
	{"column_sums", columnSumsCases},
	{"matvec", matvecCases},
	{"norm_matvec", normMatvecCases},
	{"matmul_lanes", matmulLanesCases},
	{"causal_conv", causalConvCases},
	{"causal_conv_step", causalConvStepCases},
	{"dt_proj", dtProjCases},
	{"selective_scan", selectiveScanCases},
	{"selective_scan_grouped", scanGroupedCases},
	{"selective_scan_summary", scanSummaryCases},
	{"selective_scan_step", selectiveScanStepCases},
	{"selective_scan_naive", scanStageCases},
	{"selective_scan_tiled", scanStageCases},
	{"selective_scan_backward", scanBackwardCases},
	{"scan_ends", scanEndsCases},
	{"scan_join", scanJoinCases},
	{"scan_rows", scanRowsCases},
	{"selective_scan_complex", selectiveScanComplexCases},
	{"selective_scan_complex_step", selectiveScanComplexStepCases},
	{"discretize", discretizeCases},
	{"modulated_scan", modulatedScanCases},
	{"modulated_scan_step", modulatedScanStepCases},
	{"residual_add", residualAddCases},
	{"in_proj_step", inProjStepCases},
	{"x_proj_step", xProjStepCases},
	{"in_proj_rows", inProjRowsCases},
	{"dt_scan_step", dtScanStepCases},
	{"scan_gate_step", scanGateStepCases},
	{"out_proj_step", outProjStepCases},
	{"dt_scan_rows", dtScanRowsCases},
	{"flow_out_step", flowOutStepCases},
	{"flow_end", flowEndCases},
	{"layers_step", layersStepCases},
	{"last_rows", lastRowsCases},
	{"peaks", peaksCases},
	{"histogram", histogramCases},
	{"cut", cutCases},
	{"gumbel", gumbelCases},
	{"choose", chooseCases},
	{"choose_embed", chooseEmbedCases},
	{"embedding_backward", embeddingBackwardCases},
	{"rms_norm_backward", rmsNormBackwardCases},
	{"layer_norm_backward", layerNormBackwardCases},
	{"causal_conv_backward", causalConvBackwardCases},
	{"cross_entropy", crossEntropyCases},
	{"square_sums", squareSumsCases},
	{"clip_scale", clipScaleCases},
	{"adamw", adamWCases},
	{"log_decays", logDecaysCases},
	{"log_decays_backward", logDecaysBackwardCases},
	{"sum", sumCases},
	{"selective_scan_complex_backward", selectiveScanComplexBackwardCases},
	{"modulated_scan_backward", modulatedScanBackwardCases},
	{"discretize_backward", discretizeBackwardCases},
	{"gather_states", gatherStatesCases},
	{"part_columns", partColumnsCases},
}

// Kernels is the names of the kernels that have cases, in the order of the
// model's data flow.
func Kernels() []string {
	var names []string
	for _, k := range kernels {
		names = append(names, k.name)
	}
	return names
}

// All is the cases of all kernels. It is cheap: no data is made before Args.
func All() []Case {
	var all []Case
	for _, k := range kernels {
		all = append(all, Of(k.name)...)
	}
	return all
}

// Of is the cases of one kernel; there are none of an unknown name.
func Of(kernel string) []Case {
	for _, k := range kernels {
		if k.name != kernel {
			continue
		}
		list := k.make()
		for i := range list {
			list[i].Kernel = kernel
		}
		return list
	}
	return nil
}
