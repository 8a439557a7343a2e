package wgpu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const doubleSource = `
struct Params { n: u32, by: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
	if (id.x < params.n) { y[id.x] = x[id.x] * params.by; }
}`

// openTest opens a device, or skips where there is no adapter and
// MAMBAGPU_REQUIRE_GPU is not set.
func openTest(t testing.TB, opts *Options) *Device {
	t.Helper()
	d, err := Open(opts)
	if errors.Is(err, ErrNoAdapter) && os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func doubleParams(n uint32, by float32) []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, struct {
		N  uint32
		By float32
	}{n, by})
	return b.Bytes()
}

// scaled makes a pass y = by*x over n elements.
func scaled(t testing.TB, d *Device, x, y *Buffer, n int, by float32) *Pass {
	t.Helper()
	p, err := d.Pipeline("test.scale", doubleSource)
	require.NoError(t, err)
	run, err := d.NewDispatch(p, doubleParams(uint32(n), by), []*Buffer{x, y}, [3]uint32{uint32(n+63) / 64, 1, 1})
	require.NoError(t, err)
	pass := d.NewPass("test")
	pass.Dispatch(run)
	return pass
}

func newBuffer(t testing.TB, d *Device, label string, size int) *Buffer {
	t.Helper()
	b, err := d.NewBuffer(label, uint64(size))
	require.NoError(t, err)
	return b
}

func TestDispatch(t *testing.T) {
	d := openTest(t, nil)
	const n = 1000
	x, y := newBuffer(t, d, "x", 4*n), newBuffer(t, d, "y", 4*n)
	in := make([]float32, n)
	for i := range in {
		in[i] = float32(i)
	}
	require.NoError(t, Upload(x, 0, in))
	pass := scaled(t, d, x, y, n, 3)
	for range 2 {
		require.NoError(t, pass.Submit())
	}
	out := make([]float32, n)
	require.NoError(t, Download(y, 0, out))
	for i := range out {
		require.Equal(t, 3*float32(i), out[i], "element %d", i)
	}

	last := make([]float32, 10)
	require.NoError(t, pass.SubmitRead(y, 4*(n-10), bytesOf(last)))
	assert.Equal(t, out[n-10:], last)
}

func TestCopyAndClear(t *testing.T) {
	d := openTest(t, nil)
	a, b := newBuffer(t, d, "a", 64), newBuffer(t, d, "b", 64)
	require.NoError(t, Upload(a, 0, []uint32{1, 2, 3, 4, 5, 6, 7, 8}))
	pass := d.NewPass("copy")
	pass.Copy(b, 4, a, 8, 12)
	pass.Clear(a, 4, 8)
	out := make([]uint32, 8)
	require.NoError(t, pass.SubmitRead(b, 0, bytesOf(out)))
	assert.Equal(t, []uint32{0, 3, 4, 5, 0, 0, 0, 0}, out)
	require.NoError(t, Download(a, 0, out))
	assert.Equal(t, []uint32{1, 0, 0, 4, 5, 6, 7, 8}, out)
}

func TestBigTransfer(t *testing.T) {
	d := openTest(t, nil)
	const n = (writeChunk + flushEvery + 4096) / 4
	b := newBuffer(t, d, "big", 4*n)
	in, out := make([]uint32, n), make([]uint32, n)
	for i := range in {
		in[i] = uint32(i) * 2654435761
	}
	require.NoError(t, Upload(b, 0, in))
	require.NoError(t, Download(b, 0, out))
	assert.True(t, bytes.Equal(bytesOf(in), bytesOf(out)))
}

func TestReadbackUnderGarbageCollection(t *testing.T) {
	d := openTest(t, nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	b := newBuffer(t, d, "b", 16)
	for i := range uint32(3000) {
		require.NoError(t, Upload(b, 0, []uint32{i}))
		var got [1]uint32
		require.NoError(t, Download(b, 0, got[:]))
		require.Equal(t, i, got[0])
	}
	close(stop)
	wg.Wait()
}

func TestConcurrentUse(t *testing.T) {
	d := openTest(t, nil)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			x, y := newBuffer(t, d, "x", 256), newBuffer(t, d, "y", 256)
			defer x.Close()
			defer y.Close()
			for i := range 20 {
				pass := scaled(t, d, x, y, 64, float32(g+1))
				assert.NoError(t, Upload(x, 0, []float32{float32(i)}))
				var got [1]float32
				assert.NoError(t, pass.SubmitRead(y, 0, bytesOf(got[:])))
				assert.Equal(t, float32(i*(g+1)), got[0])
				pass.Close()
			}
		}()
	}
	wg.Wait()
}

func TestCloseWhileInUse(t *testing.T) {
	d := openTest(t, nil)
	x, y := newBuffer(t, d, "x", 256), newBuffer(t, d, "y", 256)
	pass := scaled(t, d, x, y, 64, 2)
	var wg sync.WaitGroup
	var closed atomic.Int32
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				if err := pass.Submit(); err != nil {
					assert.ErrorIs(t, err, ErrClosed)
					closed.Add(1)
					return
				}
			}
		}()
	}
	require.NoError(t, d.Close())
	wg.Wait()
	assert.EqualValues(t, 4, closed.Load())
}

func TestClosed(t *testing.T) {
	d := openTest(t, nil)
	x, y := newBuffer(t, d, "x", 256), newBuffer(t, d, "y", 256)
	pass := scaled(t, d, x, y, 64, 2)
	before := d.MemoryInUse()
	require.NoError(t, x.Close())
	require.NoError(t, x.Close())
	assert.Equal(t, before-256, d.MemoryInUse())
	assert.ErrorIs(t, x.Write(0, make([]byte, 4)), ErrClosed)
	require.NoError(t, pass.Submit(), "a dispatch keeps the memory it was bound to")
	_, err := d.NewDispatch(pass.commands[0].run.pipeline, doubleParams(1, 1), []*Buffer{x, y}, [3]uint32{1, 1, 1})
	assert.ErrorIs(t, err, ErrClosed)

	run := pass.commands[0].run
	require.NoError(t, run.Close())
	require.NoError(t, run.Close())
	assert.ErrorIs(t, pass.Submit(), ErrClosed)

	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.NewBuffer("b", 4)
	assert.ErrorIs(t, err, ErrClosed)
	_, err = d.Pipeline("p", doubleSource)
	assert.ErrorIs(t, err, ErrClosed)
	assert.ErrorIs(t, d.Wait(), ErrClosed)
	assert.ErrorIs(t, y.Read(0, make([]byte, 4)), ErrClosed)
	assert.NoError(t, y.Close())
	assert.ErrorIs(t, d.NewPass("p").Submit(), ErrClosed)
}

func TestLimits(t *testing.T) {
	low := DefaultLimits()
	d := openTest(t, &Options{Limits: &low, MemoryBudget: 300 << 20})
	assert.Equal(t, low.MaxStorageBinding, d.Limits().MaxStorageBinding)

	var limit *LimitError
	_, err := d.NewBuffer("huge", low.MaxBufferSize+16)
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, LimitError{"huge", "MaxBufferSize", low.MaxBufferSize + 16, low.MaxBufferSize}, *limit)
	_, err = d.NewBuffer("absurd", ^uint64(0))
	require.ErrorAs(t, err, &limit)

	x := newBuffer(t, d, "x", 200<<20)
	_, err = d.NewBuffer("second", 200<<20)
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "memory budget", limit.Name)
	assert.EqualValues(t, 300<<20, limit.Have)

	p, err := d.Pipeline("test.scale", doubleSource)
	require.NoError(t, err)
	y := newBuffer(t, d, "y", 64)
	_, err = d.NewDispatch(p, doubleParams(1, 1), []*Buffer{x, y}, [3]uint32{1, 1, 1})
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "MaxStorageBinding", limit.Name)
	_, err = d.NewDispatch(p, doubleParams(1, 1), []*Buffer{y, y}, [3]uint32{70000, 1, 1})
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "MaxWorkgroupsPerAxis", limit.Name)

	var many strings.Builder
	for i := range 9 {
		many.WriteString("@group(0) @binding(" + string(rune('0'+i)) + ") var<storage, read_write> b" + string(rune('0'+i)) + ": array<u32>;\n")
	}
	_, err = d.Pipeline("many", many.String()+"@compute @workgroup_size(1) fn main() {}")
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "MaxStorageBuffers", limit.Name)
}

// TestOutOfMemory asks for more than any machine has: the answer is a typed
// error, and the device works on.
func TestOutOfMemory(t *testing.T) {
	d := openTest(t, nil)
	size := d.Limits().MaxBufferSize
	if d.info.Kind == CPU || size < 1<<40 {
		// A software adapter's memory is the machine's own, and its system may
		// promise what it does not have; and where a buffer has a limit, a machine
		// may well have that much. Then the budget is what there is too little of.
		d.budget = size - 16
	}
	_, err := d.NewBuffer("terabyte", size)
	var memory *MemoryError
	var limit *LimitError
	require.True(t, errors.As(err, &memory) || errors.As(err, &limit), "%v", err)
	assert.Contains(t, err.Error(), "terabyte")
	t.Log(err)

	x := newBuffer(t, d, "x", 16)
	require.NoError(t, Upload(x, 0, []uint32{7}))
	var v [1]uint32
	require.NoError(t, Download(x, 0, v[:]))
	assert.EqualValues(t, 7, v[0])
}

func TestBadShader(t *testing.T) {
	d := openTest(t, nil)
	var bad *ShaderError
	for name, source := range map[string]string{
		"syntax":  "fn main( {",
		"type":    "@compute @workgroup_size(1) fn main() { let a: u32 = 1.5; }",
		"no main": "fn other() {}",
		"gap":     "@group(0) @binding(1) var<storage, read> x: array<u32>; @compute @workgroup_size(1) fn main() {}",
		"binding": "@group(0) @binding(0) var<uniform> x: array<f32>; @compute @workgroup_size(1) fn main() {}",
	} {
		_, err := d.Pipeline("bad", source)
		require.ErrorAs(t, err, &bad, name)
		assert.Equal(t, "bad", bad.Label)
	}
	p, err := d.Pipeline("test.scale", doubleSource)
	require.NoError(t, err, "the device works on after errors")
	var binding *BindingError
	_, err = d.NewDispatch(p, doubleParams(1, 1), nil, [3]uint32{1, 1, 1})
	require.ErrorAs(t, err, &binding)
}

func TestRange(t *testing.T) {
	d := openTest(t, nil)
	b := newBuffer(t, d, "b", 20)
	assert.EqualValues(t, 32, b.Size())
	var bad *RangeError
	for _, c := range [][2]uint64{{0, 36}, {36, 0}, {28, 8}, {2, 4}, {0, 3}, {1 << 63, 4}} {
		require.ErrorAs(t, b.Write(c[0], make([]byte, c[1])), &bad, "%v", c)
		require.ErrorAs(t, b.Read(c[0], make([]byte, c[1])), &bad, "%v", c)
		p := d.NewPass("p")
		p.Clear(b, c[0], c[1])
		require.ErrorAs(t, p.Submit(), &bad, "%v", c)
	}
	require.NoError(t, b.Write(32, nil))
}

func TestPipelineCache(t *testing.T) {
	d := openTest(t, nil)
	p, err := d.Pipeline("test.scale", doubleSource)
	require.NoError(t, err)
	q, err := d.Pipeline("test.scale", doubleSource)
	require.NoError(t, err)
	assert.Same(t, p, q)
	q, err = d.Pipeline("test.scale", doubleSource+"\n")
	require.NoError(t, err)
	assert.NotSame(t, p, q)
}

// Devices of several instances compile and run side by side.
func TestInstances(t *testing.T) {
	first := openTest(t, nil)
	var group sync.WaitGroup
	for i := range 3 {
		d := openTest(t, &Options{Instance: i})
		require.Equal(t, first.Info(), d.Info())
		group.Go(func() {
			x, y := newBuffer(t, d, "x", 4*64), newBuffer(t, d, "y", 4*64)
			assert.NoError(t, Upload(x, 0, []float32{1, 2, float32(i)}))
			got := make([]float32, 3)
			assert.NoError(t, SubmitDownload(scaled(t, d, x, y, 64, 2), y, 0, got))
			assert.Equal(t, []float32{2, 4, 2 * float32(i)}, got)
		})
	}
	group.Wait()
}

func TestParamsAreShared(t *testing.T) {
	d := openTest(t, nil)
	for i := range 600 {
		_, err := d.params.slot(d, doubleParams(uint32(i%300), 1))
		require.NoError(t, err)
	}
	assert.Len(t, d.params.slots, 300)
	x, y := newBuffer(t, d, "x", 16), newBuffer(t, d, "y", 16)
	require.NoError(t, Upload(x, 0, []float32{1, 1, 1, 1}))
	for _, by := range []float32{5, 6, 5} {
		var got [1]float32
		require.NoError(t, scaled(t, d, x, y, 4, by).SubmitRead(y, 0, bytesOf(got[:])))
		assert.Equal(t, by, got[0])
	}
}

func TestTimestamps(t *testing.T) {
	d := openTest(t, nil)
	x, y := newBuffer(t, d, "x", 4<<20), newBuffer(t, d, "y", 4<<20)
	pass := scaled(t, d, x, y, 1<<20, 2)
	times, err := pass.SubmitTimed()
	total, errTotal := pass.SubmitTotal()
	if !d.Timestamps() {
		require.ErrorIs(t, err, ErrNoTimestamps)
		require.ErrorIs(t, errTotal, ErrNoTimestamps)
		return
	}
	require.NoError(t, err)
	require.NoError(t, errTotal)
	require.Len(t, times, 1)
	assert.Equal(t, "test.scale", times[0].Label)
	assert.Positive(t, times[0].Time)
	assert.Positive(t, total)
	t.Logf("%s: %v, tick %g ns", d.info.Name, times[0].Time, d.clock.nanoseconds)
}

func TestSubmitMakesNoGarbagePerDispatch(t *testing.T) {
	d := openTest(t, nil)
	x, y := newBuffer(t, d, "x", 256), newBuffer(t, d, "y", 256)
	count := func(n int) float64 {
		pass := d.NewPass("many")
		one := scaled(t, d, x, y, 64, 2)
		for range n {
			pass.Dispatch(one.commands[0].run)
		}
		return testing.AllocsPerRun(20, func() {
			if err := pass.Submit(); err != nil {
				t.Fatal(err)
			}
			d.Wait()
		})
	}
	assert.InDelta(t, count(1), count(101), 5)
}

func TestChoose(t *testing.T) {
	found := []adapter{{AdapterInfo: AdapterInfo{Name: "NVIDIA H100"}}, {AdapterInfo: AdapterInfo{Name: "llvmpipe (LLVM 15)"}}}
	for want, index := range map[string]int{"": 0, "1": 1, "LLVM": 1, "h100": 0, "15": 1} {
		got, err := choose(found, want)
		require.NoError(t, err, want)
		assert.Equal(t, index, got, want)
	}
	_, err := choose(found, "radeon")
	var bad *AdapterError
	require.ErrorAs(t, err, &bad)
	assert.Contains(t, err.Error(), `"radeon"`)
	assert.Contains(t, err.Error(), `"llvmpipe (LLVM 15)" (1)`)
}

func TestNoAdapter(t *testing.T) {
	t.Setenv("MAMBAGPU_BACKEND", "metaphor")
	_, err := Adapters()
	require.ErrorIs(t, err, ErrNoAdapter)
	_, err = Open(nil)
	require.ErrorIs(t, err, ErrNoAdapter)
	for _, system := range []string{"Linux", "macOS", "Windows", "mesa-vulkan-drivers"} {
		assert.Contains(t, err.Error(), system)
	}
}

func TestAdapters(t *testing.T) {
	openTest(t, nil)
	infos, err := Adapters()
	require.NoError(t, err)
	for i, a := range infos {
		assert.Equal(t, i, a.Index)
		assert.NotEmpty(t, a.Name)
		assert.NotZero(t, a.Limits.MaxStorageBinding)
		t.Logf("%+v", a)
	}
	_, err = Open(&Options{Adapter: "no such adapter"})
	var bad *AdapterError
	require.ErrorAs(t, err, &bad)
}

func TestLowered(t *testing.T) {
	high := Limits{MaxBufferSize: 1 << 40, StorageAlignment: 32, MaxWorkgroupMemory: 48 << 10}
	l := high.lowered(DefaultLimits())
	assert.EqualValues(t, 256<<20, l.MaxBufferSize)
	assert.EqualValues(t, 256, l.StorageAlignment)
	assert.EqualValues(t, 16<<10, l.MaxWorkgroupMemory)
}

func TestCPUIsAnnouncedOnce(t *testing.T) {
	announced = sync.Once{}
	var out bytes.Buffer
	announceCPU(&out, "llvmpipe")
	announceCPU(&out, "llvmpipe")
	assert.Equal(t, 1, strings.Count(out.String(), "llvmpipe"))
	announced = sync.Once{}
	announceCPU(io.Discard, "llvmpipe")
}

func BenchmarkSubmitRead(b *testing.B) {
	d := openTest(b, nil)
	x, y := newBuffer(b, d, "x", 256), newBuffer(b, d, "y", 256)
	pass := scaled(b, d, x, y, 64, 2)
	var got [1]float32
	b.ReportAllocs()
	for b.Loop() {
		if err := pass.SubmitRead(y, 0, bytesOf(got[:])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpload(b *testing.B) {
	d := openTest(b, nil)
	buf := newBuffer(b, d, "x", 64<<20)
	data := make([]byte, 64<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := buf.Write(0, data); err != nil {
			b.Fatal(err)
		}
	}
	d.Wait()
}
