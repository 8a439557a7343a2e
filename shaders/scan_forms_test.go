package shaders

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mambagpu/mambagpu/wgpu"
)

func scanOf(batch, length, channels, states int) SelectiveScanParams {
	return SelectiveScanParams{Batch: batch, Length: length, Channels: channels, States: states}
}

// TestScanForms pins the forms of the shapes that they were chosen for.
func TestScanForms(t *testing.T) {
	least, large := wgpu.DefaultLimits(), wgpu.DefaultLimits()
	large.MaxWorkgroupMemory = 48 << 10
	for _, c := range []struct {
		p             SelectiveScanParams
		least, larger string
	}{
		{scanOf(8, 2048, 1024, 16), "32x4t16a3", "32x4t16a3"},
		{scanOf(64, 2048, 1536, 16), "64x1t8a1", "64x1t8a1"},
		{scanOf(1, 2048, 1536, 16), "32x4t8a1c11", "32x4t8a1c11"},
		{scanOf(1, 65536, 1536, 16), "64x1t8a1c32", "64x1t8a1c32"},
		{scanOf(4, 2048, 1024, 64), "16x16t8a2", "16x8t16a2"},
		{scanOf(4, 2048, 1024, 128), "16x8t8a2", "32x8t16a1"},
		{scanOf(1, 2048, 1536, 256), "16x16t4a1", "16x16t4a1"},
		{scanOf(1, 20, 17, 3), "64x1t8a1", "64x1t8a1"},
	} {
		assert.Equal(t, c.least, c.p.forms(least, wgpu.Discrete)[0].String(), c.p.shape())
		assert.Equal(t, c.larger, c.p.forms(large, wgpu.Discrete)[0].String(), c.p.shape())
		assert.Equal(t, 1, c.p.forms(large, wgpu.Integrated)[0].chunks, "only a large GPU is worth a second walk")
		assert.Equal(t, "16x8", c.p.forms(large, wgpu.CPU)[0].String())
	}
	modulated := scanOf(1, 2048, 1536, 16)
	modulated.Modulated = true
	for _, f := range modulated.forms(large, wgpu.Discrete) {
		assert.Equal(t, 1, f.chunks, f)
	}
}

// TestScanFormsFit holds every form of every number of states to the limits that every
// device has, to the workgroup memory that its source declares, and to a room for
// summaries.
func TestScanFormsFit(t *testing.T) {
	l := wgpu.DefaultLimits()
	for states := 1; states <= 256; states++ {
		for bits := range 4 {
			p := scanOf(1, 3000, 1536, states)
			p.Modulated, p.Packed = bits&1 != 0, bits&2 != 0
			for _, f := range p.forms(l, wgpu.Discrete) {
				if f == lanes {
					continue
				}
				v := p.groupedVariant(f)
				assert.LessOrEqual(t, v.Memory, 16<<10, "%v", f)
				assert.LessOrEqual(t, v.Threads(), 256, "%v", f)
				assert.GreaterOrEqual(t, v.PerThread()*f.groups, states, "%v", f)
				chunk := p.Length / f.chunks
				assert.Equal(t, f.chunks, ScanSummaryParams{p, chunk}.Chunks(p.Length))
				assert.True(t, f.chunks == 1 || chunk >= summaryRows(states, f.chunks), "%v", f)
				if states%63 == 1 {
					assert.Equal(t, v.Memory, declared(t, "selective_scan_grouped", v), "%v", f)
					s := p.summaryVariant(f)
					assert.Equal(t, s.Memory, declared(t, "selective_scan_summary", s), "%v", f)
				}
			}
		}
	}
}

// TestScanVariants lists what a tuning can name.
func TestScanVariants(t *testing.T) {
	list := Variants("selective_scan", scanOf(1, 2048, 1536, 16), wgpu.DefaultLimits(), wgpu.Discrete)
	assert.Equal(t, "32x4t8a1c11", list[0])
	assert.Subset(t, list, []string{"16x8", "32x4t16a3", "64x1t8a1c11"})
	assert.Empty(t, Variants("selective_scan_step", scanOf(1, 1, 1536, 16), wgpu.DefaultLimits(), wgpu.Discrete))
	assert.Equal(t, "1x2048x1536x16", Shape(scanOf(1, 2048, 1536, 16)))
}
