package mamba

import (
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// reserveChoice makes room for what choosing a batch's tokens needs.
func (g *gpuBackend) reserveChoice(b batch) error {
	a, p := &g.net.act, b.choiceParams(g.net.config)
	type array struct {
		buffer **wgpu.Buffer
		label  string
		words  int
	}
	list := []array{
		{&a.best, "best", p.Best()}, {&a.draws, "draws", b.rows * shaders.DrawWords}, {&a.chosen, "chosen", ring*b.rows + 1}, {&a.seen, "seen", 1},
	}
	if b.choice.penalty {
		list = append(list, array{&a.seen, "seen", p.Seen()})
	}
	if b.choice.drawn {
		list = append(list, array{&a.scores, "scores", p.Best()})
	}
	if b.choice.cut {
		list = append(list, array{&a.bins, "bins", p.Bins()}, array{&a.list, "list", p.Rows * p.Width})
	}
	for _, x := range list {
		if *x.buffer != nil && (*x.buffer).Size() >= 4*uint64(x.words) {
			continue
		}
		if err := g.replace(x.buffer, x.label, x.words); err != nil {
			return err
		}
	}
	return nil
}

// choiceBuffers are the buffers that reserveChoice makes.
func (g *gpuBackend) choiceBuffers() []*wgpu.Buffer {
	a := &g.net.act
	return []*wgpu.Buffer{a.best, a.scores, a.draws, a.chosen, a.seen, a.bins, a.list}
}

func (r *recorder) peaks(p shaders.ChoiceParams, x, draws, seen, best *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.Peaks(p, x, draws, seen, best) })
}

func (r *recorder) gumbel(p shaders.ChoiceParams, x, best, draws, seen, scores *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.Gumbel(p, x, best, draws, seen, scores)
	})
}

func (r *recorder) choose(p shaders.ChoiceParams, best, seen, draws, chosen, ids *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.Choose(p, best, seen, draws, chosen, ids) })
}

func (r *recorder) chooseEmbed(p shaders.ChooseEmbedParams, best, seen, draws, chosen, ids, table, out *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.ChooseEmbed(p, best, seen, draws, chosen, ids, table, out)
	})
}

func (r *recorder) histogram(p shaders.ChoiceParams, x, draws, seen, best, bins *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.Histogram(p, x, draws, seen, best, bins)
	})
}

func (r *recorder) cut(p shaders.ChoiceParams, x, best, seen, draws, bins, list *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.Cut(p, x, best, seen, draws, bins, list)
	})
}
