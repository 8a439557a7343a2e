package shaders

import (
	"fmt"
	"slices"

	"github.com/mambagpu/mambagpu/wgpu"
)

// scanForm is a way to go about a selective scan. Without groups it is
// selective_scan's own, 16 channels x 8 lanes; else selective_scan_grouped's.
type scanForm struct {
	channels, groups int // of a workgroup
	steps            int // of a tile
	ahead            int // tiles loaded before they are computed
	chunks           int // that the longest sequence is cut into
}

// lanes is selective_scan's own form.
var lanes = scanForm{channels: 16, chunks: 1}

// String is the form's name: "16x8" is 16 channels x 8 lanes, "32x4t16a2c8" 32
// channels x 4 groups, tiles of 16 steps, 2 ahead, in 8 chunks.
func (f scanForm) String() string {
	if f.groups == 0 {
		return "16x8"
	}
	s := fmt.Sprintf("%dx%dt%da%d", f.channels, f.groups, f.steps, f.ahead)
	if f.chunks > 1 {
		s += fmt.Sprintf("c%d", f.chunks)
	}
	return s
}

// The forms of selective_scan_grouped that there are. What is said of them was measured
// on an H100.
var (
	scanBusy   = scanForm{64, 1, 8, 1, 1}  // a channel is one invocation: best where these are enough
	scanUsual  = scanForm{32, 4, 16, 3, 1} // 16 states
	scanShort  = scanForm{32, 4, 8, 1, 1}  // 16 states, for chunks
	scanHalf   = scanForm{32, 2, 8, 1, 1}  // 8 states
	scanWide   = scanForm{16, 8, 16, 2, 1} // 64 states, with more than 16 KiB of workgroup memory
	scanNarrow = scanForm{16, 16, 8, 2, 1} // 64 states, with 16 KiB
	scanMiddle = scanForm{16, 8, 8, 2, 1}  // 32 states; 128 with 16 KiB
	scanLarge  = scanForm{32, 8, 16, 1, 1} // 128 states, with more than 16 KiB
	scanLeast  = scanForm{16, 16, 4, 1, 1} // 256 states, with 16 KiB
	scanSmall  = scanForm{8, 16, 4, 1, 1}  // 256 states and modulation, with 16 KiB

	scanForms = []scanForm{scanShort, scanBusy, scanUsual, scanHalf, scanWide, scanNarrow, scanMiddle, scanLarge, scanLeast, scanSmall}
)

// perThread is the most states that an invocation may have: more would not
// stay in registers.
const perThread = 16

// fits reports whether a form can do the scan within the limits, with no more than half
// of its states unused.
func (p SelectiveScanParams) fits(f scanForm, l wgpu.Limits) bool {
	if f == lanes {
		return true
	}
	v := p.groupedVariant(f)
	return v.PerThread() <= perThread && 4*v.StepCells() <= max(2*p.States, 4) &&
		v.Threads() <= int(l.MaxInvocations) && v.Memory <= int(l.MaxWorkgroupMemory)
}

// preferred lists the forms for the number of states and channels, without chunks, the
// best first.
func (p SelectiveScanParams) preferred() []scanForm {
	switch channels := p.Batch * p.Channels; {
	case p.States <= 4, p.States <= 16 && channels >= busyChannels:
		return []scanForm{scanBusy}
	case p.States <= 8:
		return []scanForm{scanHalf}
	case p.States <= 16:
		return []scanForm{scanUsual, scanShort}
	case p.States <= 32:
		return []scanForm{scanMiddle}
	case p.States <= 64:
		return []scanForm{scanWide, scanNarrow}
	default:
		return []scanForm{scanLarge, scanMiddle, scanLeast, scanSmall}
	}
}

// busyChannels is the number of channels of all sequences, or of all chunks of them, from
// which on a large GPU is busy with an invocation for each: (64, 2048, 1536) took an H100
// 1.50 ms in this form and 1.66 ms with four invocations for each, (16, 2048, 1536) 646 and
// 473 us.
const busyChannels = 40 << 10

// wholeForm is the best form without chunks.
func (p SelectiveScanParams) wholeForm(l wgpu.Limits) scanForm {
	for _, f := range p.preferred() {
		if p.fits(f, l) {
			return f
		}
	}
	return lanes
}

// fewChannels is the number of channels of all sequences up to which a large GPU is
// worth keeping busy with chunks. They cost a second walk, which few of them do not
// repay: (4, 2048, 1024) took an H100 151 us whole and 172 in three chunks,
// (1, 2048, 1536) 146 whole and 78 in eleven.
const fewChannels = 4 << 10

// fewChunks is the number of chunks that repay the second walk.
const fewChunks = 4

// chunkedForm is the best form on a large GPU.
func (p SelectiveScanParams) chunkedForm(l wgpu.Limits) scanForm {
	f := p.wholeForm(l)
	if f == lanes || p.Batch*p.Channels > fewChannels {
		return f
	}
	if p.States <= 16 {
		f = scanShort
		if p.Batch*p.Channels*p.maxChunks() >= busyChannels || p.States <= 4 {
			f = scanBusy
		} else if p.States <= 8 {
			f = scanHalf
		}
	}
	if f.chunks = p.fill(f); f.chunks < fewChunks || !p.fits(f, l) {
		return p.wholeForm(l)
	}
	return f
}

// fill is the number of chunks that gives a large GPU what it can run at a time, 528
// workgroups of 128 invocations on an H100, or all that there is room for.
func (p SelectiveScanParams) fill(f scanForm) int {
	invocations := 528 * 128
	if f.groups == 1 {
		invocations = 48 << 10 // which have more registers
	}
	return max(min(invocations/(p.Batch*p.Channels*f.groups), p.maxChunks()), 1)
}

// forms lists the ways to go about the scan on a device, the best first: with chunks on a
// large GPU, without on others, and by selective_scan's own form on a CPU, for which the
// code of the others takes seconds to compile.
func (p SelectiveScanParams) forms(l wgpu.Limits, kind wgpu.Kind) []scanForm {
	var list []scanForm
	switch kind {
	case wgpu.CPU:
		list = append(list, lanes)
	case wgpu.Discrete:
		list = append(list, p.chunkedForm(l), p.wholeForm(l))
	default:
		list = append(list, p.wholeForm(l))
	}
	for _, f := range scanForms {
		if !p.fits(f, l) {
			continue
		}
		most := p.fill(f)
		for _, f.chunks = range []int{1, (most + 1) / 2, most} {
			list = append(list, f)
		}
	}
	return unique(append(list, lanes))
}

// unique is the forms in their order, each once.
func unique(forms []scanForm) []scanForm {
	var list []scanForm
	for _, f := range forms {
		if !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

// groupedForm is the first of the forms that is selective_scan_grouped's without chunks.
func (p SelectiveScanParams) groupedForm(l wgpu.Limits, kind wgpu.Kind) (f scanForm, ok bool) {
	forms := p.forms(l, kind)
	i := slices.IndexFunc(forms, func(f scanForm) bool { return f.groups > 0 && f.chunks == 1 })
	if i < 0 {
		return lanes, false
	}
	return forms[i], true
}

// maxChunks is the largest number of chunks with room for their summaries. A
// modulated scan is not cut: its decay is not told by the sum of d; nor is one whose y is
// of halves, which have no room for them.
func (p SelectiveScanParams) maxChunks() int {
	if p.Modulated || p.Halves {
		return 1
	}
	n := 1
	for p.Length/(n+1) >= summaryRows(p.States, n+1) && p.Length/(n+1) >= leastChunk {
		n++
	}
	return n
}

// leastChunk is the rows of the shortest chunk worth starting a workgroup for.
const leastChunk = 32

// shape is "BxLxExN", B and L up to the next power of two.
func (p SelectiveScanParams) shape() string {
	return fmt.Sprintf("%dx%dx%dx%d", near(p.Batch), near(p.Length), p.Channels, p.States)
}

func (p SelectiveScanParams) variants(kernel string, l wgpu.Limits, kind wgpu.Kind) []string {
	if kernel != "selective_scan" {
		return nil
	}
	return names(p.forms(l, kind))
}

func names(forms []scanForm) []string {
	var list []string
	for _, f := range forms {
		list = append(list, f.String())
	}
	return list
}

// scanForm is the form chosen out of some.
func (k *Kernels) scanForm(p SelectiveScanParams, forms []scanForm) scanForm {
	list := names(forms)
	return forms[slices.Index(list, k.choose("selective_scan", p.shape(), list))]
}
