package mamba

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// tuningFormat names the form of stored tunings and the meaning of the names of
// shapes and variants in them.
const tuningFormat = "mambagpu-tuning/1"

// tuningVariable is the environment variable that turns stored tunings off.
const tuningVariable = "MAMBAGPU_TUNING"

// tuningFile is a stored tuning as it is written: of one adapter through one driver
// and one binding, since any of them may change what is fastest.
type tuningFile struct {
	Format  string         `json:"format"`
	Adapter string         `json:"adapter"`
	Driver  string         `json:"driver"`
	Backend string         `json:"backend"`
	Binding string         `json:"binding"`
	Date    time.Time      `json:"date"`
	Tuning  shaders.Tuning `json:"tuning"`
	// Measured has the keys of Tuning that were measured, those where the default is the
	// fastest too, each with a digest of the variants that there were.
	Measured map[string]string `json:"measured,omitempty"`
}

// newTuningFile says whose tuning it is.
func newTuningFile(info wgpu.AdapterInfo) tuningFile {
	return tuningFile{Format: tuningFormat, Adapter: info.Name, Driver: info.Driver, Backend: info.Backend, Binding: bindingPath()}
}

// owner is what must be the same for a tuning to be used.
func (f tuningFile) owner() [5]string {
	return [5]string{f.Format, f.Adapter, f.Driver, f.Backend, f.Binding}
}

// bindingPath is the WebGPU binding in the running program, with its version.
func bindingPath() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return wgpu.Binding
	}
	for _, dep := range info.Deps {
		if dep.Path == wgpu.Binding {
			return dep.Path + " " + dep.Version
		}
	}
	return wgpu.Binding
}

// TuningPath is the file in the user's cache folder that holds the tuning of an
// adapter as this program drives it.
func TuningPath(info wgpu.AdapterInfo) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("mamba: tuning: %w", err)
	}
	owner := newTuningFile(info).owner()
	sum := sha256.Sum256([]byte(strings.Join(owner[:], "\n")))
	return filepath.Join(dir, "mambagpu", "tuning-"+hex.EncodeToString(sum[:8])+".json"), nil
}

// StoreTuning writes the tuning of an adapter for later [Load]s, in place of the one
// before, and returns its file. A reader sees the one or the other whole.
func StoreTuning(info wgpu.AdapterInfo, t shaders.Tuning) (string, error) {
	path, err := TuningPath(info)
	if err != nil {
		return "", err
	}
	f := newTuningFile(info)
	f.Tuning = t
	return path, f.write(path)
}

// write replaces a stored tuning.
func (f *tuningFile) write(path string) error {
	f.Date = time.Now().UTC().Truncate(time.Second)
	data, err := json.MarshalIndent(f, "", " ")
	if err == nil {
		err = replaceFile(path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("mamba: tuning: %w", err)
	}
	return nil
}

// replaceFile writes a file beside path and moves it there.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tuning-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// StoredTuning is the tuning that `mambagpu bench --tune` stored of an adapter, or
// nil where there is none or MAMBAGPU_TUNING is "off". Errors tell of a file that
// cannot be read, is broken or belongs to something else; nothing is tuned then
// either.
func StoredTuning(info wgpu.AdapterInfo) (shaders.Tuning, error) {
	if os.Getenv(tuningVariable) == "off" {
		return nil, nil
	}
	path, err := TuningPath(info)
	if err != nil {
		return nil, nil // no cache folder, so nothing is stored
	}
	f, err := readTuning(path, info)
	return f.Tuning, err
}

// readTuning reads the stored tuning of an adapter. Where there is none it is empty.
func readTuning(path string, info wgpu.AdapterInfo) (tuningFile, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return tuningFile{}, nil
	}
	if err != nil {
		return tuningFile{}, fmt.Errorf("mamba: tuning: %w", err)
	}
	var f tuningFile
	if err := json.Unmarshal(data, &f); err != nil {
		return tuningFile{}, fmt.Errorf("mamba: tuning: %s: %w", path, err)
	}
	if f.owner() != newTuningFile(info).owner() {
		return tuningFile{}, fmt.Errorf("mamba: tuning: %s: belongs to %s, driver %s", path, f.Adapter, f.Driver)
	}
	return f, nil
}

// tuning is that of opts, or the stored one.
func (o *Options) tuning(info wgpu.AdapterInfo) shaders.Tuning {
	return ChooseTuning(o.Tuning, info, o.Notices)
}

// ChooseTuning is the tuning given, or if that is nil the one stored of an adapter. A
// stored one that is no good is announced on notices, or if that is nil on standard
// error, and left.
func ChooseTuning(given shaders.Tuning, info wgpu.AdapterInfo, notices io.Writer) shaders.Tuning {
	if given != nil {
		return given
	}
	t, err := StoredTuning(info)
	if err != nil {
		if notices == nil {
			notices = os.Stderr
		}
		io.WriteString(notices, "mambagpu: "+strings.TrimPrefix(err.Error(), "mamba: ")+"; kernels run as they do by default (mambagpu bench --tune replaces it)\n")
	}
	return t
}
