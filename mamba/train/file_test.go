package train

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

const tinyFile = "../../testdata/tiny_train.safetensors"

func TestCheckFile(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		for _, recompute := range []func(int) bool{nil, EveryLayer} {
			opts.Recompute = recompute
			r, err := CheckFile(ctx, tinyFile, &opts)
			require.NoError(t, err)
			require.Len(t, r.Checks, 1+1+2*(1+2*10+1))
			require.Equal(t, 20, r.Steps)
			for _, c := range r.Checks {
				t.Logf("%-50s %.2g of %.2g, bound %.2g", c.Name, c.MaxAbs, c.Largest, c.Tolerance)
			}
			require.Empty(t, r.Failed())
		}
	})
}

// No more than every WebGPU device has is enough.
func TestCheckFileWithDefaultLimits(t *testing.T) {
	device(t)
	low := wgpu.DefaultLimits()
	dev, err := wgpu.Open(&wgpu.Options{Limits: &low, Notices: io.Discard})
	require.NoError(t, err)
	defer dev.Close()
	r, err := CheckFile(ctx, tinyFile, &Options{Device: dev})
	require.NoError(t, err)
	require.Empty(t, r.Failed())
}

// trainData is the content of a training file, to be changed.
type trainData struct {
	tensors  []checkpoint.NamedData
	metadata map[string]string
}

func readTrainData(t *testing.T, path string) trainData {
	t.Helper()
	f, err := checkpoint.OpenFile(path)
	require.NoError(t, err)
	defer f.Close()
	d := trainData{metadata: map[string]string{}}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		data := make([]byte, x.Bytes())
		_, err := x.ReadAt(data, 0)
		require.NoError(t, err)
		d.tensors = append(d.tensors, checkpoint.NamedData{Name: name, DType: x.DType, Shape: x.Shape, Data: data})
	}
	return d
}

func (d *trainData) add(t *testing.T, name string, shape []int, v []float32) {
	t.Helper()
	data, err := checkpoint.Encode(checkpoint.F32, v)
	require.NoError(t, err)
	d.tensors = append(d.tensors, checkpoint.NamedData{Name: name, DType: checkpoint.F32, Shape: shape, Data: data})
}

func (d *trainData) at(name string) *checkpoint.NamedData {
	return &d.tensors[slices.IndexFunc(d.tensors, func(x checkpoint.NamedData) bool { return x.Name == name })]
}

func (d *trainData) write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "train.safetensors")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, checkpoint.WriteSafetensors(f, d.tensors, d.metadata))
	require.NoError(t, f.Close())
	return path
}

func TestCheckFileFindsFaults(t *testing.T) {
	failed := func(change func(d *trainData)) []string {
		d := readTrainData(t, tinyFile)
		change(&d)
		r, err := CheckFile(ctx, d.write(t), &Options{Adapter: mamba.GoAdapter})
		require.NoError(t, err)
		var names []string
		for _, c := range r.Failed() {
			names = append(names, c.Name)
		}
		return names
	}
	negate := func(name string) func(d *trainData) {
		return func(d *trainData) { d.at(name).Data[3] ^= 0x80 } // the sign of the first element
	}
	require.Empty(t, failed(func(*trainData) {}))
	for _, name := range []string{"logits", "grad.backbone.layers.1.mixer.dt_proj.bias", "losses", "final.backbone.layers.0.mixer.A_log"} {
		require.Equal(t, []string{name}, failed(negate(name)))
	}
	for key, value := range map[string]string{"lr": "0.002", "beta1": "0.8", "betas": "[0.9, 0.999]", "weight_decay": "10", "clip": "0.01", "eps": "0.01"} {
		names := failed(func(d *trainData) { d.metadata[key] = value })
		require.Contains(t, strings.Join(names, " "), "final.", key)
		require.NotContains(t, strings.Join(names, " "), "grad.", key)
	}
	require.Contains(t, failed(func(d *trainData) { d.metadata["norm_eps"] = "0.1" }), "logits")
}

// Another layout's names, and sizes and switches that the reference's file has not:
// what one backend made the other confirms.
func TestCheckFileOfOtherShapes(t *testing.T) {
	c := oddConfig()
	const rows, length, steps = 2, 9, 4
	batch := randomBatch(c, rows, length, 3)
	tr := newTrainer(t, c, Options{
		Adapter: mamba.GoAdapter, Batch: rows, SeqLen: length, Beta1: 0.8, WeightDecay: 0.2, Clip: 0.5, Decays: EveryParameter,
	})
	d := trainData{metadata: map[string]string{"beta1": "0.8", "weight_decay": "0.2", "clip": "0.5", "note": "of no effect"}}
	add := func(kind string, read func(string) ([]float32, error)) {
		for _, p := range tr.Parameters() {
			v, err := read(p.Name)
			require.NoError(t, err)
			d.add(t, kind+p.Name, p.Shape, v)
		}
	}
	add("init.", tr.Value)
	logits, err := tr.Logits(ctx, batch)
	require.NoError(t, err)
	d.add(t, "logits", []int{rows, length, c.VocabSize}, logits)
	var losses []float32
	for i := range steps {
		r, err := tr.Step(ctx, 1e-3, batch)
		require.NoError(t, err)
		losses = append(losses, float32(r.Loss))
		if i == 0 {
			add("grad.", tr.Gradient)
		}
	}
	d.add(t, "losses", []int{steps}, losses)
	add("final.", tr.Value)
	var ids []byte
	for _, id := range batch.IDs {
		ids = binary.LittleEndian.AppendUint32(ids, id)
	}
	d.tensors = append(d.tensors, checkpoint.NamedData{Name: "input_ids", DType: checkpoint.I32, Shape: []int{rows, length + 1}, Data: ids})
	path := d.write(t)
	onBackends(t, func(t *testing.T, opts Options) {
		r, err := CheckFile(ctx, path, &opts)
		require.NoError(t, err)
		require.Empty(t, r.Failed())
		require.Len(t, r.Checks, 2+2*len(tr.Parameters()))
	})
}

func TestTrainFilesThatLie(t *testing.T) {
	for name, change := range map[string]func(d *trainData){
		"metadata":    func(d *trainData) { d.metadata["lr"] = "fast" },
		"two betas":   func(d *trainData) { d.metadata["betas"] = "0.9" },
		"no ids":      func(d *trainData) { d.at("input_ids").Name = "ids" },
		"token":       func(d *trainData) { d.at("input_ids").Data[0] = 64 },
		"token -1":    func(d *trainData) { copy(d.at("input_ids").Data, "\xff\xff\xff\xff\xff\xff\xff\xff") },
		"ids' type":   func(d *trainData) { d.at("input_ids").DType = checkpoint.F64 },
		"no gradient": func(d *trainData) { d.at("grad.backbone.layers.1.norm.weight").Name = "none" },
		"shape":       func(d *trainData) { d.at("final.backbone.layers.1.mixer.D").Shape = []int{8, 8} },
		"logits":      func(d *trainData) { d.at("logits").Name = "logit" },
		"losses":      func(d *trainData) { d.at("losses").Shape = []int{4, 5} },
		"no layer":    func(d *trainData) { d.at("init.backbone.layers.0.mixer.A_log").Name = "none" },
	} {
		d := readTrainData(t, tinyFile)
		change(&d)
		_, err := CheckFile(ctx, d.write(t), &Options{Adapter: mamba.GoAdapter})
		var format *checkpoint.FormatError
		require.ErrorAs(t, err, &format, name)
	}
	_, err := CheckFile(ctx, filepath.Join(t.TempDir(), "none"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}
