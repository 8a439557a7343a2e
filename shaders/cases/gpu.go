package cases

import (
	"encoding/binary"
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Fits reports whether a device has the storage buffers that the kernel takes. Those of
// all kernels but layers_step are no more than every device has.
func (c Case) Fits(l wgpu.Limits) bool {
	_, many := c.Params.(shaders.LayersStepParams)
	return !many || l.MaxStorageBuffers >= shaders.LayersStepBuffers
}

// RunGPU runs the kernel on the case's buffers on a device and returns them as
// the kernel leaves them.
func (c Case) RunGPU(k *shaders.Kernels) ([]Arg, error) {
	scratch, err := c.scratch(k)
	if err != nil {
		return nil, err
	}
	if scratch != nil {
		defer scratch.Close()
	}
	return c.RunGPUBy(k, func(b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return c.Dispatch(k, append(b, scratch))
	})
}

// scratch makes the buffer that the kernel's dispatches pass on, nil if they need
// none. Its words are NaN: what is read has to be written first.
func (c Case) scratch(k *shaders.Kernels) (*wgpu.Buffer, error) {
	words := 0
	switch p := c.Params.(type) {
	case shaders.ColumnSumsParams:
		words = k.ColumnSumsScratch(p)
	case shaders.EmbeddingBackwardParams:
		words = k.EmbeddingBackwardScratch(p)
	case shaders.RMSNormBackwardParams:
		words = k.RMSNormBackwardScratch(p)
	case shaders.LayerNormBackwardParams:
		words = k.LayerNormBackwardScratch(p)
	case shaders.CausalConvParams:
		if c.Kernel == "causal_conv_backward" {
			words = k.CausalConvBackwardScratch(p)
		}
	case shaders.ComplexScanParams:
		if c.Kernel == "selective_scan_complex_backward" {
			words = k.SelectiveScanComplexBackwardScratch(p)
		}
	case shaders.ModulatedScanParams:
		if c.Kernel == "modulated_scan_backward" {
			words = k.ModulatedScanBackwardScratch(p)
		}
	case shaders.DiscretizeParams:
		if c.Kernel == "discretize_backward" {
			words = k.DiscretizeBackwardScratch(p)
		}
	case shaders.SelectiveScanParams:
		if c.Kernel == "selective_scan_backward" {
			words = k.SelectiveScanBackwardScratch(p)
		}
	}
	if words == 0 {
		return nil, nil
	}
	b, err := k.Device().NewBuffer("scratch", 4*uint64(words))
	if err != nil {
		return nil, err
	}
	return b, wgpu.Upload(b, 0, poison(words))
}

// RunGPUBy is RunGPU by the dispatches that prepare makes of the buffers, which are
// in the order of Args, nil where there are no elements.
func (c Case) RunGPUBy(k *shaders.Kernels, prepare func(b []*wgpu.Buffer) ([]*wgpu.Dispatch, error)) ([]Arg, error) {
	args := c.Args()
	buffers := make([]*wgpu.Buffer, len(args))
	defer func() {
		for _, b := range buffers {
			if b != nil {
				b.Close()
			}
		}
	}()
	for i, a := range args {
		if a.Len() == 0 {
			continue
		}
		b, err := upload(k.Device(), a, image(a))
		if err != nil {
			return nil, err
		}
		buffers[i] = b
	}
	run, err := prepare(buffers)
	if err != nil {
		return nil, err
	}
	pass := k.Device().NewPass(c.String())
	defer pass.Close()
	pass.Dispatch(run...)
	if err := pass.Submit(); err != nil {
		return nil, err
	}
	for i, a := range args {
		if !a.Out || a.Len() == 0 {
			continue
		}
		if err := download(buffers[i], a); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func upload(d *wgpu.Device, a Arg, image []byte) (*wgpu.Buffer, error) {
	b, err := d.NewBuffer(a.Name, uint64(len(image)))
	if err != nil {
		return nil, err
	}
	return b, b.Write(0, image)
}

func download(b *wgpu.Buffer, a Arg) error {
	if a.U32 != nil {
		return wgpu.Download(b, 0, a.U32)
	}
	if a.Halves > 0 {
		return downloadHalves(b, a)
	}
	if a.Flow.Width > 0 {
		return downloadFlows(b, a)
	}
	return wgpu.Download(b, 0, a.F32)
}

// downloadHalves is download of halves, of which Untouched is not one: those that are what
// it was rounded to are Untouched.
func downloadHalves(b *wgpu.Buffer, a Arg) error {
	words := make([]uint32, shaders.HalvesWords(len(a.F32)/a.Halves, a.Halves))
	if err := wgpu.Download(b, 0, words); err != nil {
		return err
	}
	shaders.UnpackHalves(words, a.Halves, a.F32)
	for i, v := range a.F32 {
		if v == shaders.RoundHalf(Untouched) {
			a.F32[i] = Untouched
		}
	}
	return nil
}

// downloadFlows is download of flows.
func downloadFlows(b *wgpu.Buffer, a Arg) error {
	words, stride := make([]uint32, b.Size()/4), flowStride(a.Flow)
	if err := wgpu.Download(b, 0, words); err != nil {
		return err
	}
	n := a.Flow.Numbers()
	for i := range len(a.F32) / n {
		a.Flow.Unpack(words[i*stride:], a.F32[i*n:][:n])
	}
	return nil
}

// packFlows is flows as they lie in GPU memory.
func packFlows(a Arg) []uint32 {
	var words []uint32
	for n := a.Flow.Numbers(); len(a.F32) > 0; a.F32 = a.F32[n:] {
		words = append(words, a.Flow.Pack(a.F32[:n])...)
		words = append(words, make([]uint32, flowStride(a.Flow)-a.Flow.Words())...)
	}
	return words
}

// flowStride is the number of words from one flow to the next.
func flowStride(f shaders.StepFlow) int { return int(shaders.LayerBytes(4*uint64(f.Words())) / 4) }

// image is the argument as it lies in GPU memory.
func image(a Arg) []byte {
	switch {
	case a.Turned:
		a.Turned = false
		return shaders.TransposeQuads(a.Type, image(a), a.Rows, a.Cols)
	case a.Image != nil:
		return a.Image
	case a.Paired:
		return shaders.TransposePairs(a.Type, shaders.Encode(a.Type, a.F32), a.Rows, a.Cols)
	case a.Weights:
		return shaders.PadRows(a.Type, shaders.Encode(a.Type, a.F32), a.Cols)
	}
	if a.Halves > 0 {
		a.U32 = shaders.PackHalves(a.F32, a.Halves)
	}
	if a.Flow.Width > 0 {
		a.U32 = packFlows(a)
	}
	if a.U32 == nil {
		return shaders.Encode(shaders.F32, a.F32)
	}
	var out []byte
	for _, v := range a.U32 {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

// Dispatch prepares the kernel on buffers in the order of Args, then its scratch:
// one dispatch, or several to run in order.
func (c Case) Dispatch(k *shaders.Kernels, b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	if p, ok := c.Params.(shaders.SelectiveScanParams); ok && c.Kernel == "selective_scan" {
		return k.SelectiveScanChunked(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7])
	}
	if p, ok := c.Params.(shaders.SelectiveScanParams); ok && c.Kernel == "selective_scan_backward" {
		return k.SelectiveScanBackward(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12])
	}
	if p, ok := c.Params.(shaders.ColumnSumsParams); ok {
		return k.ColumnSums(p, b[0], b[2], b[1])
	}
	if p, ok := c.Params.(shaders.EmbeddingBackwardParams); ok {
		return k.EmbeddingBackward(p, b[0], b[1], b[3], b[2])
	}
	if p, ok := c.Params.(shaders.RMSNormBackwardParams); ok {
		return k.RMSNormBackward(p, b[0], b[1], b[2], b[3], b[5], b[4])
	}
	if p, ok := c.Params.(shaders.LayerNormBackwardParams); ok {
		return k.LayerNormBackward(p, b[0], b[1], b[2], b[3], b[6], b[4], b[5])
	}
	if p, ok := c.Params.(shaders.CausalConvParams); ok && c.Kernel == "causal_conv_backward" {
		return k.CausalConvBackward(p, b[0], b[1], b[2], b[3], b[5], b[4])
	}
	if p, ok := c.Params.(shaders.ComplexScanParams); ok && c.Kernel == "selective_scan_complex_backward" {
		return k.SelectiveScanComplexBackward(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12])
	}
	if p, ok := c.Params.(shaders.ModulatedScanParams); ok && c.Kernel == "modulated_scan_backward" {
		return k.ModulatedScanBackward(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11])
	}
	if p, ok := c.Params.(shaders.DiscretizeParams); ok && c.Kernel == "discretize_backward" {
		return k.DiscretizeBackward(p, b[0], b[1], b[2], b[3], b[4], b[5])
	}
	if p, ok := c.Params.(shaders.LayersStepParams); ok {
		return k.LayersStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10])
	}
	d, err := c.dispatch(k, b)
	if err != nil {
		return nil, err
	}
	return []*wgpu.Dispatch{d}, nil
}

// dispatch prepares a kernel that is one dispatch.
func (c Case) dispatch(k *shaders.Kernels, b []*wgpu.Buffer) (*wgpu.Dispatch, error) {
	switch p := c.Params.(type) {
	case shaders.EmbeddingParams:
		return k.Embedding(p, b[0], b[1], b[2])
	case shaders.RMSNormParams:
		return k.RMSNorm(p, b[0], b[1], b[2])
	case shaders.LayerNormParams:
		return k.LayerNorm(p, b[0], b[1], b[2], b[3])
	case shaders.MatmulParams:
		switch c.Kernel {
		case "matvec":
			return k.Matvec(p, b[0], b[1], b[2], b[3])
		case "matmul_lanes":
			return k.MatmulLanes(p, b[0], b[1], b[2], b[3])
		}
		return k.Matmul(p, b[0], b[1], b[2], b[3])
	case shaders.NormMatvecParams:
		return k.NormMatvec(p, b[0], b[1], b[2], b[3], b[4])
	case shaders.MatmulSumParams:
		return k.MatmulSum(p, b[0], b[1], b[2])
	case shaders.CausalConvParams:
		if c.Kernel == "causal_conv_step" {
			return k.CausalConvStep(p, b[0], b[1], b[2], b[3], b[4])
		}
		return k.CausalConv(p, b[0], b[1], b[2], b[3], b[4])
	case shaders.DtProjParams:
		return k.DtProj(p, b[0], b[1], b[2], b[3])
	case shaders.SelectiveScanParams:
		scan := k.SelectiveScanGrouped
		switch c.Kernel {
		case "selective_scan_step":
			scan = k.SelectiveScanStep
		case "selective_scan_naive":
			scan = k.SelectiveScanNaive
		case "selective_scan_tiled":
			scan = k.SelectiveScanTiled
		}
		return scan(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7])
	case shaders.ScanBlockParams:
		switch c.Kernel {
		case "scan_ends":
			return k.ScanEnds(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
		case "scan_join":
			return k.ScanJoin(p, b[0], b[1], b[2], b[3], b[4])
		}
		return k.ScanRows(p, b[0], b[1])
	case shaders.ScanSummaryParams:
		return k.SelectiveScanSummary(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
	case shaders.ComplexScanParams:
		if c.Kernel == "selective_scan_complex_step" {
			return k.SelectiveScanComplexStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7])
		}
		return k.SelectiveScanComplex(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7])
	case shaders.DiscretizeParams:
		return k.Discretize(p, b[0], b[1], b[2])
	case shaders.ModulatedScanParams:
		if c.Kernel == "modulated_scan_step" {
			return k.ModulatedScanStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
		}
		return k.ModulatedScan(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
	case shaders.GatherStatesParams:
		return k.GatherStates(p, b[0], b[1], b[2])
	case shaders.PartColumnsParams:
		return k.PartColumns(p, b[0], b[1])
	case shaders.ResidualAddParams:
		return k.ResidualAdd(p, b[0], b[1])
	case shaders.InProjStepParams:
		return k.InProjStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7])
	case shaders.FlowInStepParams:
		return k.FlowInStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
	case shaders.FlowOutStepParams:
		return k.FlowOutStep(p, b[0], b[1], b[2], b[3], b[4], b[5])
	case shaders.FlowEndParams:
		return k.FlowEnd(p, b[0], b[1], b[2])
	case shaders.InProjRowsParams:
		return k.InProjRows(p, b[0], b[1], b[2], b[3], b[4], b[5])
	case shaders.XProjStepParams:
		return k.XProjStep(p, b[0], b[1], b[2], b[3], b[4], b[5])
	case shaders.DtScanStepParams:
		if c.Kernel == "dt_scan_rows" {
			return k.DtScanRows(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
		}
		return k.DtScanStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
	case shaders.ScanGateStepParams:
		return k.ScanGateStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7])
	case shaders.OutProjStepParams:
		return k.OutProjStep(p, b[0], b[1], b[2], b[3], b[4])
	case shaders.LastRowsParams:
		return k.LastRows(p, b[0], b[1], b[2])
	case shaders.CrossEntropyParams:
		return k.CrossEntropy(p, b[0], b[1], b[2])
	case shaders.SquareSumsParams:
		return k.SquareSums(p, b[0], b[1], b[2])
	case shaders.ClipScaleParams:
		return k.ClipScale(p, b[0], b[1])
	case shaders.AdamWParams:
		return k.AdamW(p, b[0], b[1], b[2], b[3], b[4], b[5])
	case shaders.LogDecaysParams:
		if c.Kernel == "log_decays" {
			return k.LogDecays(p, b[0], b[1])
		}
		return k.LogDecaysBackward(p, b[0], b[1], b[2])
	case shaders.SumParams:
		return k.Sum(p, b[0], b[1])
	case shaders.ChoiceParams:
		switch c.Kernel {
		case "peaks":
			return k.Peaks(p, b[0], b[1], b[2], b[3])
		case "gumbel":
			return k.Gumbel(p, b[0], b[1], b[2], b[3], b[4])
		case "histogram":
			return k.Histogram(p, b[0], b[1], b[2], b[3], b[4])
		case "cut":
			return k.Cut(p, b[0], b[1], b[2], b[3], b[4], b[5])
		}
		return k.Choose(p, b[0], b[1], b[2], b[3], b[4])
	case shaders.ChooseEmbedParams:
		return k.ChooseEmbed(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6])
	}
	return nil, fmt.Errorf("cases: %s: no kernel takes %T", c, c.Params)
}
