package train

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// newSession makes what a run needs: from a checkpoint, or from the beginning.
func newSession(o RunOptions) (*session, error) {
	if !o.Resume { // before anything is made in the folder
		if err := checkEmpty(o.Dir); err != nil {
			return nil, err
		}
	}
	lock, err := lockFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &session{opts: o, lock: lock}
	last, err := findCheckpoint(o)
	if err == nil {
		err = r.prepare(last)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// prepare makes a session ready: to go on from a checkpoint, if one is named.
func (r *session) prepare(last string) (err error) {
	if last != "" {
		if r.state, err = readState(last); err != nil {
			return err
		}
		r.saved = checkpointDir(r.opts.Dir, r.state.Good)
	}
	if r.trainer, err = r.opts.trainer(last, r.state.Settings); err != nil {
		return err
	}
	if err := r.prepareData(); err != nil {
		return err
	}
	settings := r.settings()
	if last != "" {
		if err := r.opts.checkConfig(r.trainer.Config()); err != nil {
			return err
		}
		if err := settings.check(r.state.Settings); err != nil {
			return err
		}
		if err := loadOptimizer(r.trainer, filepath.Join(last, optimizerFile)); err != nil {
			return err
		}
	}
	r.state.Settings, r.state.Adapter = settings, r.trainer.AdapterInfo().Name
	if r.opts.Average > 0 {
		if r.average, err = newAverage(r.trainer, r.opts.Average, last); err != nil {
			return err
		}
	}
	r.before, r.begun = r.state.Seconds, time.Now()
	return r.prepareFolder()
}

// findCheckpoint is the checkpoint to go on from, empty for a run from the beginning.
func findCheckpoint(o RunOptions) (string, error) {
	if !o.Resume {
		return "", checkEmpty(o.Dir)
	}
	dirs, err := Checkpoints(o.Dir)
	if err != nil || len(dirs) == 0 {
		return "", err
	}
	return dirs[len(dirs)-1], nil
}

// checkEmpty returns an error if there is anything in a folder but a lock. The folder
// need not exist.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != lockFile }):
		err = &fs.PathError{Op: "train into", Path: dir, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// trainer makes the trainer: of a checkpoint's weights, of those to begin with, or of
// random ones. A run goes on with as many sequences at a time as it began with and with
// the same variants of kernels, since other sums have other bits.
func (o *RunOptions) trainer(last string, begun Settings) (*Trainer, error) {
	opts := *o.Options
	if last != "" {
		orElse(&opts.MicroBatch, begun.MicroBatch)
		if opts.Tuning == nil { // an empty one, not the one stored by now, where it began without
			opts.Tuning = shaders.Tuning{}
			maps.Copy(opts.Tuning, begun.Tuning)
		}
		return Load(last, &opts)
	}
	if o.Init != "" {
		return Load(o.Init, &opts)
	}
	return New(o.Config, &opts)
}

// checkConfig refuses a checkpoint of another architecture than the options name.
func (o *RunOptions) checkConfig(c mamba.ModelConfig) error {
	if o.Init != "" || o.Config.DModel == 0 {
		return nil
	}
	c.Layout, c.BOS, c.EOS = o.Config.Layout, o.Config.BOS, o.Config.EOS
	return sameFields("Config.", reflect.ValueOf(o.Config), reflect.ValueOf(c))
}

func loadOptimizer(t *Trainer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer f.Close()
	return t.LoadOptimizer(f)
}

// prepareData checks the texts and cuts the validation text.
func (r *session) prepareData() error {
	t := r.trainer.Options()
	vocab := r.trainer.Config().VocabSize
	if err := checkTokens(trainingText, r.opts.Data, t.SeqLen, vocab); err != nil {
		return err
	}
	r.windows = Windows{Tokens: r.opts.Data, SeqLen: t.SeqLen, Seed: t.Seed, Noise: r.opts.Noise}
	if r.opts.Valid == nil {
		return nil
	}
	if err := checkTokens(validationText, r.opts.Valid, t.SeqLen, vocab); err != nil {
		return err
	}
	most := r.opts.ValidTokens
	if most > 0 {
		most = max(most, t.SeqLen) // one window at least
	}
	r.valid = ValidationBatches(r.opts.Valid, t.SeqLen, t.Batch, most)
	return nil
}

func (r *session) settings() Settings {
	t := r.trainer.Options()
	return Settings{
		Batch: t.Batch, MicroBatch: r.trainer.MicroBatch(), SeqLen: t.SeqLen, Accumulate: r.opts.Accumulate,
		Schedule: r.opts.Schedule, Beta1: t.Beta1, Beta2: t.Beta2, Eps: t.Eps, WeightDecay: t.WeightDecay, Clip: t.Clip,
		Seed: t.Seed, Noise: r.opts.Noise, Average: r.opts.Average, Data: fingerprint(r.opts.Data), Valid: fingerprint(r.opts.Valid),
		Tuning: noneIfEmpty(t.Tuning),
	}
}

// noneIfEmpty is a tuning as settings have it.
func noneIfEmpty(t shaders.Tuning) shaders.Tuning {
	if len(t) == 0 {
		return nil
	}
	return t
}

// prepareFolder makes the run's folder, or takes away from it what a run before left
// that was killed: files that were not finished, and metrics of steps that are taken
// again.
func (r *session) prepareFolder() (err error) {
	parent := filepath.Join(r.opts.Dir, checkpointsDir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	for _, dir := range []string{r.opts.Dir, parent} {
		if err := removeUnfinished(dir); err != nil {
			return err
		}
	}
	if r.state.Step == 0 {
		config, err := checkpoint.HuggingFaceConfig(r.trainer.Config())
		if err != nil {
			return err
		}
		if err := r.writeCompanions(r.opts.Dir, config); err != nil {
			return err
		}
	}
	r.metrics, err = openMetrics(r.opts.Dir, &r.state)
	return err
}

// removeUnfinished takes away the hidden files and folders that are written first
// and renamed then.
func removeUnfinished(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinishedPrefix) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("train: %w", err)
			}
		}
	}
	return nil
}
