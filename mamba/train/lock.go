package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockFile is the file of a run's folder that is locked while something trains into it.
// The system gives the lock back when a process ends, however it does; the file may stay.
const lockFile = "training.lock"

// errHeld is returned by openLocked where something else has the lock.
var errHeld = errors.New("held by another")

// LockedError says that a run's folder is one that another run, of this process or another
// one, trains into at this moment.
type LockedError struct {
	Dir string
}

// Error names the folder.
func (e *LockedError) Error() string {
	return fmt.Sprintf("train: another run is training into %s: wait for it to end, or name another folder", e.Dir)
}

// folderLock is the lock of a run's folder.
type folderLock struct {
	file *os.File
	dir  string
	made bool // the folder was not there
}

// lockFolder locks a run's folder, which it makes where there is none.
func lockFolder(dir string) (*folderLock, error) {
	_, err := os.Stat(dir)
	l := &folderLock{dir: dir, made: errors.Is(err, os.ErrNotExist)}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	l.file, err = openLocked(filepath.Join(dir, lockFile))
	switch {
	case errors.Is(err, errHeld):
		return nil, &LockedError{dir}
	case err != nil:
		return nil, fmt.Errorf("train: %w", err)
	}
	return l, nil
}

// release gives the folder back, and takes it away if it was made for nothing. What
// cannot be taken away does no harm.
func (l *folderLock) release() {
	closeLocked(l.file)
	if l.made {
		os.Remove(l.dir) // fails unless it is empty
	}
}
