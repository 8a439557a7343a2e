package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ScanRows dispatches the last stage of the backward pass of a selective scan: the parts
// of the gradients of a block's B and C, which groups of channels have left in scratch, summed
// into rows of dbc.
func (k *Kernels) ScanRows(p ScanBlockParams, scratch, dbc *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "scan_rows"}
	p.check(&c)
	if c.err != nil {
		return nil, c.err
	}
	c.words("scratch", size(scratch), p.decaysAt())
	c.words("dbc", size(dbc), p.bcWords(1))
	if c.err != nil {
		return nil, c.err
	}
	return k.scanRows(p, scratch, dbc)
}

func (k *Kernels) scanRows(p ScanBlockParams, scratch, dbc *wgpu.Buffer) (*wgpu.Dispatch, error) {
	words := p.Batch * p.Length * 2 * p.Block()
	return k.dispatch("scan_rows", p.variant(nil), p.uniform(), spread(ceilDiv(words, 256)), scratch, dbc)
}
