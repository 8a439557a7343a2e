package checkpoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// CreateFolder makes the folder out of what fill writes to another beside it, which
// takes its name when it is complete: a reader finds all of it or nothing. out must
// not exist, or be empty; else the error is [fs.ErrExist].
func CreateFolder(out string, fill func(dir string) error) error {
	entries, err := os.ReadDir(out)
	if len(entries) > 0 {
		err = &fs.PathError{Op: "create", Path: out, Err: fs.ErrExist}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	parent, base := filepath.Dir(out), filepath.Base(out)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, "."+base+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	dir := filepath.Join(temporary, base) // unlike temporary, with the usual permissions
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	if err := fill(dir); err != nil {
		return err
	}
	if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(dir, out)
}
