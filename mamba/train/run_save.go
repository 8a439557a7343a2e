package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// The names of files in models' folders.
const (
	configFile    = "config.json"
	weightsFile   = "model.safetensors"
	tokenizerFile = "tokenizer.json"
)

// unfinishedPrefix begins the names of files and folders that are being written.
// [checkpoint.CreateFolder] gives a folder step-1 one that begins with .step-1.
const unfinishedPrefix = "."

// save writes a checkpoint of the step that the run is at and takes away old ones.
func (r *session) save() error {
	s := r.state
	if !s.Watch.risen() {
		s.Good = s.Step
	}
	dir := checkpointDir(r.opts.Dir, s.Step)
	err := checkpoint.CreateFolder(dir, func(dir string) error {
		if err := r.trainer.WriteModel(dir, checkpoint.F32); err != nil {
			return err
		}
		if err := r.fillCheckpoint(dir, s); err != nil {
			return err
		}
		return syncFolder(dir)
	})
	if err != nil {
		return ioError(err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	s.Saved = s.Step
	r.state = s
	r.saved = ""
	if s.Good > 0 {
		r.saved = checkpointDir(r.opts.Dir, s.Good)
	}
	if r.opts.OnSave != nil {
		r.opts.OnSave(dir)
	}
	return r.prune()
}

// fillCheckpoint writes what a checkpoint has beside the model.
func (r *session) fillCheckpoint(dir string, s runState) error {
	if r.opts.Tokenizer != nil {
		if err := os.WriteFile(filepath.Join(dir, tokenizerFile), r.opts.Tokenizer, 0o666); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(dir, optimizerFile))
	if err != nil {
		return err
	}
	if err := errors.Join(r.trainer.SaveOptimizer(f), f.Close()); err != nil {
		return err
	}
	if r.average != nil {
		if err := r.average.save(filepath.Join(dir, averageFile)); err != nil {
			return err
		}
	}
	return r.writeState(dir, s)
}

// writeState writes how far the run has come into a checkpoint's folder.
func (r *session) writeState(dir string, s runState) error {
	s.Seconds = r.seconds()
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, stateFile), append(data, '\n'))
}

// prune takes away all checkpoints but the newest and the last good one.
func (r *session) prune() error {
	dirs, err := Checkpoints(r.opts.Dir)
	if err != nil {
		return err
	}
	for _, dir := range dirs[:max(0, len(dirs)-r.opts.Keep)] {
		if stepOf(dir) == r.state.Good {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// saveBest replaces the weights of the model in the run's folder. Its other files
// stay as they are, so that the folder is a whole model at any moment.
func (r *session) saveBest() error {
	temporary, err := os.MkdirTemp(r.opts.Dir, unfinishedPrefix+"best.*")
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer os.RemoveAll(temporary)
	if err := r.trainer.WriteModel(temporary, r.opts.DType); err != nil {
		return err
	}
	if err := syncFolder(temporary); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(temporary, weightsFile), filepath.Join(r.opts.Dir, weightsFile)); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return syncDir(r.opts.Dir)
}

// writeCompanions writes the files of the model in the run's folder that do not
// change.
func (r *session) writeCompanions(dir string, config []byte) error {
	if err := replaceFile(filepath.Join(dir, configFile), config); err != nil {
		return err
	}
	if r.opts.Tokenizer == nil {
		return nil
	}
	return replaceFile(filepath.Join(dir, tokenizerFile), r.opts.Tokenizer)
}

// replaceFile writes a file that appears as a whole when it is on disk.
func replaceFile(path string, data []byte) error {
	unfinished := filepath.Join(filepath.Dir(path), unfinishedPrefix+filepath.Base(path))
	f, err := os.Create(unfinished)
	if err == nil {
		_, err = f.Write(data)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(unfinished, path)
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncFolder has the files of a folder, and their names, written to disk.
func syncFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	for _, e := range entries {
		f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return syncDir(dir)
}

// syncDir has the names in a folder written to disk. Windows does so by itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// ioError gives errors of the file system the package's name.
func ioError(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("train: %w", err)
	}
	return err
}
