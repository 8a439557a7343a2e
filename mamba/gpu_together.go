package mamba

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// ErrStalled is returned when a step with [Options.Together] found that its workgroups do
// not run at the same time after all. From then on the model steps without it. A state
// that was being generated from is as the tokens that were given out leave it; one that was
// prefilled or stepped is lost.
var ErrStalled = errors.New("mamba: workgroups that wait for each other did not run at the same time; steps are back to one dispatch for each part of a layer")

// together is what a step of all layers by workgroups that wait for each other needs: the
// arrays of all layers, of which each layer's are parts.
type together[A any] struct {
	workgroups                                        int
	inProj, small, xProj, dtProj, scan, outProj, mail A
	convState, scanState                              A // (layers, slots, ...)
}

// layTogether readies the backend for steps by workgroups that wait for each other, and
// says why if it does not. Nothing runs on it yet.
func (g *gpuBackend) layTogether(notices io.Writer) error {
	why, err := g.tryTogether()
	if err != nil || why == "" {
		return err
	}
	if notices == nil {
		notices = os.Stderr
	}
	fmt.Fprintf(notices, "mambagpu: steps take a dispatch for each part of a layer: %s\n", why)
	return nil
}

// tryTogether is layTogether; why is what stands in the way.
func (g *gpuBackend) tryTogether() (why string, err error) {
	if g.net.config.UseBias || !g.alike() {
		return "projections have a bias, or layers differ in their types", nil
	}
	p := g.net.layersParams()
	if p.Weights.Quantized() || p.XWeights.Quantized() || p.OutWeights.Quantized() {
		return "weights are integers", nil
	}
	workgroups, err := g.kernels.LayersStepWorkgroups(p)
	if err != nil {
		return "", err
	}
	if workgroups == 0 {
		return "the model's layers do not fit the registers of as many workgroups as run at the same time", nil
	}
	t := &together[*wgpu.Buffer]{workgroups: workgroups}
	if err := g.pack(t); err != nil {
		if exhausted(err) {
			return err.Error(), nil
		}
		return "", err
	}
	g.net.together = t
	return "", nil
}

// alike reports whether all layers have matrices of the same types, each in one buffer.
func (g *gpuBackend) alike() bool {
	first := &g.net.blocks[0]
	for i := range g.net.blocks {
		b := &g.net.blocks[i]
		if len(b.inProj.shards) > 1 || len(b.xProj.shards) > 1 || len(b.outProj.shards) > 1 ||
			b.inProj.dtype != first.inProj.dtype || b.xProj.dtype != first.xProj.dtype || b.outProj.dtype != first.outProj.dtype || b.dtType != first.dtType {
			return false
		}
	}
	return true
}

// pack moves the layers' parameters into arrays of all layers, one kind after the other.
func (g *gpuBackend) pack(t *together[*wgpu.Buffer]) error {
	for _, kind := range []struct {
		whole **wgpu.Buffer
		label string
		of    func(b *block[*wgpu.Buffer]) **wgpu.Buffer
	}{
		{&t.inProj, "in_proj", func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.inProj.shards[0].data }},
		{&t.small, "small", func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.small }},
		{&t.xProj, "x_proj", func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.xProj.shards[0].data }},
		{&t.dtProj, "dt_proj", func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.dtProj }},
		{&t.scan, "scan", func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.scan }},
		{&t.outProj, "out_proj", func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.outProj.shards[0].data }},
	} {
		list := make([]**wgpu.Buffer, len(g.net.blocks))
		for i := range list {
			list[i] = kind.of(&g.net.blocks[i])
		}
		whole, err := g.packKind(kind.label, list)
		if err != nil {
			return err
		}
		*kind.whole = whole
	}
	p := g.net.layersParams()
	p.Workgroups = t.workgroups
	mail, err := newBuffer(g.dev, "mail", 4*uint64(p.MailWords()))
	if err != nil {
		return err
	}
	t.mail = mail
	g.weights = append(g.weights, mail)
	return nil
}

// packKind moves buffers into one, of which they are then parts.
func (g *gpuBackend) packKind(label string, list []**wgpu.Buffer) (*wgpu.Buffer, error) {
	whole, parts, err := g.layers(label, (*list[0]).Size(), len(list))
	if err != nil {
		return nil, err
	}
	g.weights = append(g.weights, whole)
	pass := g.dev.NewPass("mamba.pack")
	for i, b := range list {
		pass.Copy(parts[i], 0, *b, 0, (*b).Size())
	}
	if err := pass.Submit(); err != nil {
		return nil, err
	}
	if err := g.dev.Wait(); err != nil {
		return nil, err
	}
	for i, b := range list {
		(*b).Close()
		*b = parts[i]
	}
	return whole, nil
}

// layers makes an array of n layers of so many bytes each, and its slices.
func (g *gpuBackend) layers(label string, size uint64, n int) (whole *wgpu.Buffer, parts []*wgpu.Buffer, err error) {
	stride := shaders.LayerBytes(size)
	if whole, err = newBuffer(g.dev, label, uint64(n)*stride); err != nil {
		return nil, nil, err
	}
	for i := range n {
		part, err := whole.Slice(fmt.Sprintf("%s.%d", label, i), uint64(i)*stride, size)
		if err != nil {
			whole.Close()
			return nil, nil, err
		}
		parts = append(parts, part)
	}
	return whole, parts, nil
}

// growTogether makes room for n states of every layer, in two arrays, and has pass move
// those that there are. It returns the arrays.
func (g *gpuBackend) growTogether(n int, pass *wgpu.Pass) (wholes []*wgpu.Buffer, err error) {
	c := g.net.config
	for _, kind := range []struct {
		label string
		size  int
		of    func(b *block[*wgpu.Buffer]) **wgpu.Buffer
	}{
		{"conv_state", c.DInner * (c.DConv - 1), func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.convState }},
		{"ssm_state", c.DInner * c.DState, func(b *block[*wgpu.Buffer]) **wgpu.Buffer { return &b.scanState }},
	} {
		whole, parts, err := g.layers(kind.label, 4*uint64(n*kind.size), len(g.net.blocks))
		if err != nil {
			return wholes, err
		}
		wholes = append(wholes, whole)
		for i := range g.net.blocks {
			b := kind.of(&g.net.blocks[i])
			if *b != nil {
				pass.Copy(parts[i], 0, *b, 0, 4*uint64(g.slots*kind.size))
			}
			*b = parts[i]
		}
	}
	return wholes, nil
}

// steps reports whether a batch is one that runs together, if anything does: a single
// token of one sequence.
func (b batch) steps() bool { return b.rows == 1 && b.length == 1 && !b.packing.Packed }

// stalled returns ErrStalled if the flag of mail is set, and has later steps run layer by
// layer then.
func (g *gpuBackend) stalled(flag uint32) error {
	if flag == 0 {
		return nil
	}
	g.net.together.workgroups = 0
	g.plans.drop()
	g.turn = nil
	return ErrStalled
}

// checkStall is stalled by what the last step of a batch left.
func (g *gpuBackend) checkStall(b batch) error {
	if !g.runsTogether(b) {
		return nil
	}
	var flag [1]uint32
	if err := wgpu.Download(g.net.together.mail, 0, flag[:]); err != nil {
		return err
	}
	return g.stalled(flag[0])
}

// runsTogether reports whether a batch's plan is a step of all layers.
func (g *gpuBackend) runsTogether(b batch) bool {
	t := g.net.together
	return t != nil && t.workgroups > 0 && b.steps()
}

// flagPass copies the flag of mail behind the chosen tokens of so many words.
func (g *gpuBackend) flagPass(words int) *wgpu.Pass {
	pass := g.dev.NewPass("mamba.flag")
	pass.Copy(g.net.act.chosen, 4*uint64(words), g.net.together.mail, 0, 4)
	return pass
}

func (r *recorder) layersStep(p shaders.LayersStepParams, t *together[*wgpu.Buffer], residual, slots *wgpu.Buffer) {
	p.Slots = r.backend.slots
	r.addAll(p.Layers*p.Channels*(3*p.Width+2*p.Rank+3*p.States), func() ([]*wgpu.Dispatch, error) {
		return r.backend.kernels.LayersStep(p, residual, t.inProj, t.small, slots, t.xProj, t.convState, t.dtProj, t.scan, t.scanState, t.outProj, t.mail)
	})
}
