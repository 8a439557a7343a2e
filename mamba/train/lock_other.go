//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package train

import "os"

// openLocked makes or opens a file. There are no locks here that end with a process, so
// that nothing keeps runs apart.
func openLocked(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
}

func closeLocked(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}
