package checkpoint

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	configFile  = "config.json"
	weightsFile = "model.safetensors"
	indexFile   = weightsFile + ".index.json"
)

// folder is a model's folder, on disk or in an [fs.FS].
type folder struct {
	path string // as the caller named it
	fsys fs.FS  // rooted at the folder
	open func(name string) (*File, error)
	join func(elem ...string) string
}

func diskFolder(dir string) (*folder, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, ioError(dir, err)
	}
	if !info.IsDir() {
		return nil, notFolder(dir)
	}
	return &folder{
		path: dir,
		fsys: os.DirFS(dir),
		open: func(name string) (*File, error) { return OpenFile(filepath.Join(dir, filepath.FromSlash(name))) },
		join: filepath.Join,
	}, nil
}

func fsFolder(fsys fs.FS, name string) (*folder, error) {
	if !fs.ValidPath(name) {
		return nil, ioError(name, fs.ErrInvalid)
	}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, ioError(name, err)
	}
	if !info.IsDir() {
		return nil, notFolder(name)
	}
	sub, err := fs.Sub(fsys, name)
	if err != nil {
		return nil, ioError(name, err)
	}
	return &folder{
		path: name,
		fsys: sub,
		open: func(file string) (*File, error) { return openFSFile(path.Join(name, file), sub, file) },
		join: path.Join,
	}, nil
}

// notFolder explains the path of a file that was given for a folder.
func notFolder(name string) error {
	switch {
	case strings.HasSuffix(name, ".gguf"):
		return &UnsupportedError{Path: name, What: ggufWhat, Way: ggufWay}
	case isPickle(name):
		return &UnsupportedError{Path: name, What: "a PyTorch pickle", Way: pickleWay(path.Base(filepath.ToSlash(name)))}
	}
	return &FormatError{Path: name, Got: "a file", Want: "a folder that holds config.json and model.safetensors"}
}

// openFSFile opens a safetensors file of an [fs.FS], where it lies when the
// file is an [io.ReaderAt], else in memory.
func openFSFile(label string, fsys fs.FS, name string) (*File, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, ioError(label, err)
	}
	f, err := readFSFile(label, file)
	if err != nil {
		file.Close()
		return nil, err
	}
	f.closer = file
	return f, nil
}

func readFSFile(label string, file fs.File) (*File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, ioError(label, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{Path: label, Got: "no regular file", Want: "a safetensors file"}
	}
	if r, ok := file.(io.ReaderAt); ok {
		return OpenReader(label, r, info.Size())
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, ioError(label, err)
	}
	return OpenReader(label, bytes.NewReader(data), int64(len(data)))
}

// readConfig returns the folder's config.json, or why there is none.
func (d *folder) readConfig() ([]byte, error) {
	data, err := fs.ReadFile(d.fsys, configFile)
	if err == nil {
		return data, nil
	}
	names, _ := d.list()
	if len(names) == 0 {
		return nil, fmt.Errorf("checkpoint: %s: the folder is empty, want config.json and model.safetensors: %w", d.path, fs.ErrNotExist)
	}
	if name, ok := find(names, ".gguf"); ok {
		return nil, &UnsupportedError{Path: d.join(d.path, name), What: ggufWhat, Way: ggufWay}
	}
	return nil, ioError(d.join(d.path, configFile), err)
}

// noWeights explains a folder without safetensors of the expected names.
func (d *folder) noWeights() error {
	names, err := d.list()
	if err != nil {
		return ioError(d.path, err)
	}
	if bins := pickled(names); len(bins) > 0 {
		return &UnsupportedError{Path: d.join(d.path, bins[0]), What: "a PyTorch pickle", Way: pickleWay(bins...)}
	}
	if _, ok := find(names, "pytorch_model.bin.index.json"); ok {
		return &UnsupportedError{Path: d.join(d.path, "pytorch_model.bin.index.json"), What: "a list of PyTorch pickles",
			Way: pickleWay("pytorch_model.bin")}
	}
	if name, ok := find(names, ".gguf"); ok {
		return &UnsupportedError{Path: d.join(d.path, name), What: ggufWhat, Way: ggufWay}
	}
	hint := ""
	if name, ok := find(names, ".safetensors"); ok {
		hint = " (there is " + clip(name) + ")"
	}
	return fmt.Errorf("checkpoint: %s: neither %s nor %s%s: %w", d.path, weightsFile, indexFile, hint, fs.ErrNotExist)
}

// list returns the names of the folder's files, sorted.
func (d *folder) list() ([]string, error) {
	entries, err := fs.ReadDir(d.fsys, ".")
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (d *folder) exists(name string) bool {
	_, err := fs.Stat(d.fsys, name)
	return err == nil
}

func find(names []string, suffix string) (string, bool) {
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			return name, true
		}
	}
	return "", false
}
