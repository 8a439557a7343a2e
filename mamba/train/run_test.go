package train

import (
	"context"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

// tinyRun is a run of 12 steps of a tiny model on real text.
func tinyRun(t *testing.T, opts Options) RunOptions {
	t.Helper()
	const folder = "../../testdata/tokenizer-training/"
	data, err := os.ReadFile(folder + "tokenizer.json")
	require.NoError(t, err)
	tok, err := tokenizer.Parse("tokenizer.json", data)
	require.NoError(t, err)
	text, err := os.ReadFile(folder + "sample.txt")
	require.NoError(t, err)
	tokens := Tokenize(tok, string(text))
	opts.Batch, opts.SeqLen, opts.Seed = 2, 12, 5
	return RunOptions{
		Options: &opts, Tokenizer: data, Dir: filepath.Join(t.TempDir(), "run"),
		Config: mamba.ModelConfig{DModel: 16, NLayer: 1, DInner: 32, DState: 8, DConv: 4, DTRank: 1, VocabSize: 904, NormEps: 1e-5,
			Tied: true, UseConvBias: true},
		Data: tokens[400:], Valid: tokens[:400], ValidTokens: 60,
		Steps: 12, Accumulate: 2, Average: 0.5, EvalEvery: 5, SaveEvery: 4,
		Schedule: Schedule{Decay: DecayCosine, Peak: 1e-2, Final: 1e-3, Warmup: 3},
	}
}

// seconds is what two runs differ in.
var seconds = regexp.MustCompile(`"seconds": ?[0-9.e-]+`)

// files reads all files below a folder, without the seconds in them.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = seconds.ReplaceAllString(string(data), "")
		return err
	}))
	return all
}

// A run that is interrupted after any step leaves in the end what one leaves that is
// not, byte for byte.
func TestRunInterrupted(t *testing.T) { onBackends(t, testInterrupted) }

// So does one with activations in halves.
func TestRunOfHalvesInterrupted(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		opts.Activations = checkpoint.F16
		testInterrupted(t, opts)
	})
}

func testInterrupted(t *testing.T, opts Options) {
	whole := tinyRun(t, opts)
	result, err := Run(ctx, &whole)
	require.NoError(t, err)
	require.Equal(t, 12, result.Steps)
	require.EqualValues(t, 12*2*2*12, result.Tokens)
	want := files(t, whole.Dir)
	require.Contains(t, want, filepath.Join("checkpoints", "step-000012", "average.safetensors"))

	parts := tinyRun(t, opts)
	parts.Resume = true // from nothing the first time
	for _, stop := range []int{1, 4, 6, 10, 12} {
		stopped, cancel := context.WithCancel(ctx)
		parts.OnMetric = func(m Metric) {
			if m.Step == stop && m.Trained != nil {
				cancel()
			}
		}
		parts.OnStart = func(_ *Trainer, step int) { require.Less(t, step, stop) }
		_, err := Run(stopped, &parts)
		var e *InterruptedError
		require.ErrorAs(t, err, &e, stop)
		require.ErrorIs(t, err, context.Canceled)
		require.GreaterOrEqual(t, e.Step, stop)
		require.LessOrEqual(t, e.Step, stop+1) // one more was under way
		require.DirExists(t, e.Checkpoint)
		cancel()
	}
	parts.OnMetric, parts.OnStart = nil, nil
	again, err := Run(ctx, &parts)
	require.NoError(t, err)
	got := files(t, parts.Dir)
	for name := range want {
		if _, ok := got[name]; ok || filepath.Base(filepath.Dir(name)) != "step-000008" { // others are kept
			require.Equal(t, want[name], got[name], name)
		}
	}
	again.Seconds, result.Seconds = 0, 0
	require.Equal(t, result, again)
}

// The run's folder is the best model, with the loss that is told of it.
func TestRunBest(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	o.Schedule = Schedule{Decay: DecayConstant, Peak: 0.3} // overshoots
	o.Average, o.EvalEvery, o.DType = 0, 1, checkpoint.F16
	var saved []string
	o.OnSave = func(dir string) { saved = append(saved, filepath.Base(dir)) }
	result, err := Run(ctx, &o)
	require.NoError(t, err)
	require.Equal(t, []string{"step-000004", "step-000008", "step-000012"}, saved)
	dirs, err := Checkpoints(o.Dir)
	require.NoError(t, err)
	require.Equal(t, []string{checkpointDir(o.Dir, 8), checkpointDir(o.Dir, 12)}, dirs)

	metrics, err := ReadMetrics(o.Dir)
	require.NoError(t, err)
	require.Len(t, metrics, 24)
	least := metrics[1]
	for i, m := range metrics {
		require.Equal(t, i/2+1, m.Step)
		if i%2 == 0 {
			require.Nil(t, m.Validated)
			require.InDelta(t, 0.3, m.LR, 0)
			require.Positive(t, m.GradNorm)
			require.EqualValues(t, m.Step*2*2*12, m.Tokens)
			continue
		}
		require.Nil(t, m.Trained)
		require.InDelta(t, math.Exp(m.Validated.Loss), m.Perplexity, 1e-6*m.Perplexity)
		if m.Validated.Loss < least.Validated.Loss {
			least = m
		}
	}
	require.Less(t, least.Step, 12, "the last model is the best: the test shows nothing")
	require.Equal(t, Best{least.Step, least.Validated.Loss}, result.Best)

	best, err := Load(o.Dir, o.Options)
	require.NoError(t, err)
	defer best.Close()
	sum := 0.0
	batches := ValidationBatches(o.Valid, 12, 2, 60)
	require.Len(t, batches, 3)
	for _, b := range batches {
		loss, err := best.Loss(ctx, b)
		require.NoError(t, err)
		sum += loss * float64(len(b.IDs)/13)
	}
	require.InDelta(t, result.Best.Loss, sum/5, 5e-3) // rounded to float16

	for _, dir := range append(dirs, o.Dir) {
		m, err := mamba.Load(dir, &mamba.Options{Adapter: mamba.GoAdapter})
		require.NoError(t, err)
		require.NotNil(t, m.Tokenizer())
		require.NoError(t, m.Close())
	}
}

// A run may be given more steps when it is done, and begin with a model that is there.
func TestRunGoesOn(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	o.Steps, o.Valid, o.Average = 4, nil, 0
	o.Schedule.Decay = DecayConstant
	_, err := Run(ctx, &o)
	require.NoError(t, err)
	o.Resume, o.Steps = true, 12
	more, err := Run(ctx, &o)
	require.NoError(t, err)
	require.Equal(t, Best{Step: 12}, more.Best)

	whole := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	whole.Valid, whole.Average, whole.Schedule.Decay = nil, 0, DecayConstant
	_, err = Run(ctx, &whole)
	require.NoError(t, err)
	require.Equal(t, files(t, whole.Dir)["model.safetensors"], files(t, o.Dir)["model.safetensors"])

	tuned := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	tuned.Init, tuned.Config, tuned.Steps, tuned.Average = o.Dir, mamba.ModelConfig{}, 1, 0
	tuned.Schedule.Warmup, tuned.Schedule.Peak = 0, 1e-9
	result, err := Run(ctx, &tuned)
	require.NoError(t, err)
	begin, err := Load(o.Dir, o.Options)
	require.NoError(t, err)
	defer begin.Close()
	want := 0.0
	for k := range uint64(2) {
		loss, err := begin.Loss(ctx, Windows{Tokens: tuned.Data, SeqLen: 12, Seed: 5}.Batch(2*k, 2))
		require.NoError(t, err)
		want += loss / 2
	}
	require.InDelta(t, want, result.Loss, 1e-6)
}

func TestRunDiverges(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	o.Schedule = Schedule{Decay: DecayConstant, Peak: 1e30}
	o.SaveEvery, o.EvalEvery, o.Average = 1, 12, 0
	_, err := Run(ctx, &o)
	var e *RunError
	require.ErrorAs(t, err, &e)
	require.ErrorAs(t, err, new(*DivergedError))
	require.Equal(t, 1, e.Step)
	require.Equal(t, checkpointDir(o.Dir, 1), e.Checkpoint)
	require.ErrorContains(t, err, "diverged at step 2")
	require.ErrorContains(t, err, "the last good checkpoint is "+e.Checkpoint)
	require.DirExists(t, e.Checkpoint)
}

// What a killed run leaves is taken away: files that are not finished, and lines of
// steps that are taken again.
func TestRunCleansUp(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	_, err := Run(ctx, &o)
	require.NoError(t, err)
	want := files(t, o.Dir)
	require.NoError(t, os.RemoveAll(checkpointDir(o.Dir, 12)))
	require.NoError(t, os.Mkdir(filepath.Join(o.Dir, "checkpoints", ".step-000012.1"), 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(o.Dir, ".config.json"), nil, 0o666))
	f, err := os.OpenFile(filepath.Join(o.Dir, metricsName), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"step":13,"lo`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	o.Resume = true
	_, err = Run(ctx, &o)
	require.NoError(t, err)
	require.Equal(t, want, files(t, o.Dir))
	require.NoDirExists(t, filepath.Join(o.Dir, "checkpoints", ".step-000012.1"))
}

func TestRunErrors(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	o.Steps, o.Average = 1, 0
	o.Schedule.Warmup = 0
	_, err := Run(ctx, &o)
	require.NoError(t, err)
	_, err = Run(ctx, &o)
	require.ErrorIs(t, err, fs.ErrExist)

	o.Resume = true
	for name, change := range map[string]func(*RunOptions){
		"Accumulate":    func(o *RunOptions) { o.Accumulate = 1 },
		"Average":       func(o *RunOptions) { o.Average = 0.5 },
		"Noise":         func(o *RunOptions) { o.Noise = 0.5 },
		"Data":          func(o *RunOptions) { o.Data = o.Data[1:] },
		"Valid":         func(o *RunOptions) { o.Valid = nil },
		"Schedule.Peak": func(o *RunOptions) { o.Schedule.Peak = 1 },
		"Seed":          func(o *RunOptions) { o.Options = &Options{Adapter: mamba.GoAdapter, Batch: 2, SeqLen: 12} },
		"Config.NLayer": func(o *RunOptions) { o.Config.NLayer = 2 },
		"MicroBatch": func(o *RunOptions) {
			o.Options = &Options{Adapter: mamba.GoAdapter, Batch: 2, SeqLen: 12, Seed: 5, MicroBatch: 1}
		},
	} {
		other := o
		change(&other)
		_, err := Run(ctx, &other)
		var e *SettingError
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, name, e.Name)
		require.ErrorContains(t, err, "but the run was begun with")
	}
	for name, change := range map[string]func(*RunOptions){
		"Dir":            func(o *RunOptions) { o.Dir = "" },
		"Steps":          func(o *RunOptions) { o.Steps = -1 },
		"Keep":           func(o *RunOptions) { o.Keep = -1 },
		"Average":        func(o *RunOptions) { o.Average = 1 },
		"Noise":          func(o *RunOptions) { o.Noise = -0.1 },
		"DType":          func(o *RunOptions) { o.DType = checkpoint.I8 },
		"Schedule.Steps": func(o *RunOptions) { o.Schedule.Steps = 3 },
		"Schedule.Decay": func(o *RunOptions) { o.Schedule.Decay = "no" },
		"Batch":          func(o *RunOptions) { o.Options = &Options{Batch: -1} },
	} {
		other := o
		change(&other)
		_, err := Run(ctx, &other)
		var e *OptionError
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, name, e.Name)
	}
	for want, change := range map[string]func(*RunOptions){
		"training text: got 12 tokens, want 13":  func(o *RunOptions) { o.Data = o.Data[:12] },
		"validation text: got 3 tokens, want 13": func(o *RunOptions) { o.Valid = o.Valid[:3] },
		"training text: got token 904 at place":  func(o *RunOptions) { o.Data = append(o.Data[:50:50], 904) },
	} {
		other := tinyRun(t, Options{Adapter: mamba.GoAdapter})
		change(&other)
		_, err := Run(ctx, &other)
		require.ErrorAs(t, err, new(*DataError), want)
		require.ErrorContains(t, err, want)
		require.NoDirExists(t, other.Dir)
	}

	path := filepath.Join(checkpointDir(o.Dir, 1), stateFile)
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o666))
	_, err = Run(ctx, &o)
	require.ErrorContains(t, err, path)
}

func TestParseMetricsRefuses(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, metricsName), []byte("{\"step\":1}\nno\n"), 0o666))
	_, err := ReadMetrics(dir)
	require.ErrorContains(t, err, "metrics.jsonl: line 2")
	_, err = ReadMetrics(t.TempDir())
	require.ErrorIs(t, err, fs.ErrNotExist)
	line, err := json.Marshal(Metric{Step: 3, Trained: &Trained{Loss: 1}})
	require.NoError(t, err)
	require.Equal(t, `{"step":3,"loss":1,"lr":0,"grad_norm":0,"tokens":0,"seconds":0}`, string(line))
}
