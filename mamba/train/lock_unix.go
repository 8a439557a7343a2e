//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package train

import (
	"errors"
	"os"
	"syscall"
)

// openLocked makes or opens a file and locks it, or returns errHeld. On a file system
// without locks nothing keeps runs apart.
func openLocked(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return nil, err
		}
		if err := flock(f); err != nil {
			f.Close()
			return nil, err
		}
		if inPlace(f, path) {
			return f, nil
		}
		f.Close() // whoever held it took the file away after it was opened here
	}
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EWOULDBLOCK:
			return errHeld
		case err == nil, errors.Is(err, errors.ErrUnsupported), err == syscall.ENOLCK:
			return nil
		}
		return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
}

// inPlace reports whether path is still the file that is open.
func inPlace(f *os.File, path string) bool {
	own, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(own, there)
}

// closeLocked takes the file away while it is locked, and gives the lock back.
func closeLocked(f *os.File) {
	os.Remove(f.Name())
	f.Close()
}
