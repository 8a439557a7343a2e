package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
)

// RunTwin runs the kernel's twin on the case's buffers and returns them as the
// twin leaves them. It panics if the kernel has no twin, which is a mistake in
// this package.
func (c Case) RunTwin() []Arg {
	args := c.Args()
	f := func(i int) []float32 { return args[i].F32 }
	u := func(i int) []uint32 { return args[i].U32 }
	switch p := c.Params.(type) {
	case shaders.EmbeddingParams:
		cpu.Embedding(p, u(0), f(1), f(2))
	case shaders.RMSNormParams:
		cpu.RMSNorm(p, f(0), f(1), f(2))
	case shaders.LayerNormParams:
		cpu.LayerNorm(p, f(0), f(1), f(2), f(3))
	case shaders.MatmulParams:
		matmulTwins[c.Kernel](p, f(0), f(1), f(2), f(3))
	case shaders.NormMatvecParams:
		cpu.NormMatvec(p, f(0), f(1), f(2), f(3), f(4))
	case shaders.MatmulSumParams:
		cpu.MatmulSum(p, f(0), f(1), f(2))
	case shaders.ColumnSumsParams:
		cpu.ColumnSums(p, f(0), f(1))
	case shaders.CausalConvParams:
		if c.Kernel == "causal_conv_backward" {
			cpu.CausalConvBackward(p, f(0), f(1), f(2), f(3), f(4))
			break
		}
		causalConvTwins[c.Kernel](p, f(0), f(1), u(2), f(3), f(4))
	case shaders.DtProjParams:
		cpu.DtProj(p, f(0), f(1), f(2), f(3))
	case shaders.SelectiveScanParams:
		if c.Kernel == "selective_scan_backward" {
			cpu.SelectiveScanBackward(p, f(0), f(1), f(2), f(3), f(4), u(5), f(6), f(7), f(8), f(9), f(10), f(11))
			break
		}
		selectiveScanTwins[c.Kernel](p, f(0), f(1), f(2), f(3), f(4), u(5), f(6), f(7))
	case shaders.ScanBlockParams:
		switch c.Kernel {
		case "scan_ends":
			cpu.ScanEnds(p, f(0), f(1), f(2), f(3), f(4), f(5), f(6))
		case "scan_join":
			cpu.ScanJoin(p, f(0), u(1), f(2), f(3), f(4))
		default:
			cpu.ScanRows(p, f(0), f(1))
		}
	case shaders.ScanSummaryParams:
		cpu.SelectiveScanSummary(p, f(0), f(1), f(2), f(3), u(4), f(5), f(6))
	case shaders.ComplexScanParams:
		if c.Kernel == "selective_scan_complex_backward" {
			cpu.SelectiveScanComplexBackward(p, f(0), f(1), f(2), f(3), f(4), u(5), f(6), f(7), f(8), f(9), f(10), f(11))
			break
		}
		complexScanTwins[c.Kernel](p, f(0), f(1), f(2), f(3), f(4), u(5), f(6), f(7))
	case shaders.DiscretizeParams:
		if c.Kernel == "discretize_backward" {
			cpu.DiscretizeBackward(p, f(0), f(1), f(2), f(3), f(4))
			break
		}
		cpu.Discretize(p, f(0), f(1), f(2))
	case shaders.ModulatedScanParams:
		if c.Kernel == "modulated_scan_backward" {
			cpu.ModulatedScanBackward(p, f(0), f(1), f(2), f(3), u(4), f(5), f(6), f(7), f(8), f(9), f(10))
			break
		}
		modulatedScanTwins[c.Kernel](p, f(0), f(1), f(2), f(3), u(4), f(5), f(6))
	case shaders.GatherStatesParams:
		cpu.GatherStates(p, u(0), f(1), f(2))
	case shaders.PartColumnsParams:
		cpu.PartColumns(p, f(0), f(1))
	case shaders.ResidualAddParams:
		cpu.ResidualAdd(p, f(0), f(1))
	case shaders.InProjStepParams:
		cpu.InProjStep(p, f(0), f(1), f(2), u(3), f(4), f(5), f(6), f(7))
	case shaders.FlowInStepParams:
		cpu.FlowInStep(p, f(0), f(1), f(2), u(3), f(4), f(5), f(6))
	case shaders.FlowOutStepParams:
		cpu.FlowOutStep(p, f(0), f(1), f(2), u(3), f(4), f(5))
	case shaders.FlowEndParams:
		cpu.FlowEnd(p, f(0), f(1), f(2))
	case shaders.InProjRowsParams:
		cpu.InProjRows(p, f(0), f(1), f(2), u(3), f(4), f(5))
	case shaders.XProjStepParams:
		cpu.XProjStep(p, f(0), u(1), f(2), f(3), f(4), f(5))
	case shaders.DtScanStepParams:
		dtScanStepTwins[c.Kernel](p, f(0), f(1), f(2), f(3), u(4), f(5), f(6))
	case shaders.ScanGateStepParams:
		cpu.ScanGateStep(p, f(0), f(1), f(2), u(3), f(4), f(5), f(6), f(7))
	case shaders.OutProjStepParams:
		cpu.OutProjStep(p, f(0), f(1), f(2), f(3), f(4))
	case shaders.LayersStepParams:
		cpu.LayersStep(p, f(0), f(1), f(2), u(3), f(4), f(5), f(6), f(7), f(8), f(9), u(10))
	case shaders.LastRowsParams:
		cpu.LastRows(p, f(0), u(1), f(2))
	case shaders.EmbeddingBackwardParams:
		cpu.EmbeddingBackward(p, u(0), f(1), f(2))
	case shaders.RMSNormBackwardParams:
		cpu.RMSNormBackward(p, f(0), f(1), f(2), f(3), f(4))
	case shaders.LayerNormBackwardParams:
		cpu.LayerNormBackward(p, f(0), f(1), f(2), f(3), f(4), f(5))
	case shaders.CrossEntropyParams:
		cpu.CrossEntropy(p, f(0), u(1), f(2))
	case shaders.SquareSumsParams:
		cpu.SquareSums(p, u(0), f(1), f(2))
	case shaders.ClipScaleParams:
		cpu.ClipScale(p, f(0), f(1))
	case shaders.AdamWParams:
		cpu.AdamW(p, u(0), f(1), f(2), f(3), f(4), f(5))
	case shaders.LogDecaysParams:
		if c.Kernel == "log_decays" {
			cpu.LogDecays(p, f(0), f(1))
		} else {
			cpu.LogDecaysBackward(p, f(0), f(1), f(2))
		}
	case shaders.SumParams:
		cpu.Sum(p, f(0), f(1))
	case shaders.ChoiceParams:
		choiceTwins[c.Kernel](p, args)
	case shaders.ChooseEmbedParams:
		cpu.ChooseEmbed(p, f(0), u(1), u(2), u(3), u(4), f(5), f(6))
	default:
		panic(fmt.Sprintf("cases: %s: no twin takes %T", c, c.Params))
	}
	return args
}

// Kernels that share their Params are told apart by name.
var (
	choiceTwins = map[string]func(p shaders.ChoiceParams, a []Arg){
		"peaks":  func(p shaders.ChoiceParams, a []Arg) { cpu.Peaks(p, a[0].F32, a[1].U32, a[2].U32, a[3].F32) },
		"gumbel": func(p shaders.ChoiceParams, a []Arg) { cpu.Gumbel(p, a[0].F32, a[1].F32, a[2].U32, a[3].U32, a[4].F32) },
		"choose": func(p shaders.ChoiceParams, a []Arg) {
			cpu.Choose(p, a[0].F32, a[1].U32, a[2].U32, a[3].U32, a[4].U32)
		},
		"histogram": func(p shaders.ChoiceParams, a []Arg) {
			cpu.Histogram(p, a[0].F32, a[1].U32, a[2].U32, a[3].F32, a[4].U32)
		},
		"cut": func(p shaders.ChoiceParams, a []Arg) {
			cpu.Cut(p, a[0].F32, a[1].F32, a[2].U32, a[3].U32, a[4].U32, a[5].U32)
		},
	}
	matmulTwins = map[string]func(p shaders.MatmulParams, a, w, bias, c []float32){
		"matmul":       cpu.Matmul,
		"matvec":       cpu.Matvec,
		"matmul_lanes": cpu.MatmulLanes,
	}
	dtScanStepTwins = map[string]func(p shaders.DtScanStepParams, uz, parts, wdt, weights []float32, slots []uint32, state, y []float32){
		"dt_scan_step": cpu.DtScanStep,
		"dt_scan_rows": cpu.DtScanRows,
	}
	causalConvTwins = map[string]func(p shaders.CausalConvParams, x, weights []float32, slots []uint32, state, y []float32){
		"causal_conv":      cpu.CausalConv,
		"causal_conv_step": cpu.CausalConvStep,
	}
	selectiveScanTwins = map[string]func(p shaders.SelectiveScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, y []float32){
		"selective_scan":         cpu.SelectiveScan,
		"selective_scan_grouped": cpu.SelectiveScanGrouped,
		"selective_scan_step":    cpu.SelectiveScanStep,
		"selective_scan_naive":   cpu.SelectiveScanNaive,
		"selective_scan_tiled":   cpu.SelectiveScanTiled,
	}
	complexScanTwins = map[string]func(p shaders.ComplexScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, y []float32){
		"selective_scan_complex":      cpu.SelectiveScanComplex,
		"selective_scan_complex_step": cpu.SelectiveScanComplexStep,
	}
	modulatedScanTwins = map[string]func(p shaders.ModulatedScanParams, u, cells, s, weights []float32, slots []uint32, state, y []float32){
		"modulated_scan":      cpu.ModulatedScan,
		"modulated_scan_step": cpu.ModulatedScanStep,
	}
)
