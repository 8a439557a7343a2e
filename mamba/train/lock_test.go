package train

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
)

// A folder takes one run at a time, and is free when that has ended.
func TestRunLocksItsFolder(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	o.Steps, o.Average, o.Schedule.Warmup = 1, 0, 0
	second := o
	second.Resume = true
	started := false
	o.OnStart = func(*Trainer, int) {
		started = true
		require.FileExists(t, filepath.Join(o.Dir, lockFile))
		_, err := Run(ctx, &second)
		var locked *LockedError
		require.ErrorAs(t, err, &locked)
		require.Equal(t, o.Dir, locked.Dir)
		require.ErrorContains(t, err, o.Dir)
	}
	_, err := Run(ctx, &o)
	require.NoError(t, err)
	require.True(t, started)
	require.NoFileExists(t, filepath.Join(o.Dir, lockFile))
	result, err := Run(ctx, &second)
	require.NoError(t, err)
	require.Equal(t, 1, result.Steps)
}

// A lock file that a killed run left is no hindrance, in a folder with nothing else in
// it either.
func TestRunFindsALock(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	o.Steps, o.Average, o.Schedule.Warmup = 1, 0, 0
	held, err := lockFolder(o.Dir)
	require.NoError(t, err)
	_, err = Run(ctx, &o)
	require.ErrorAs(t, err, new(*LockedError))
	held.release()
	require.NoDirExists(t, o.Dir, "made for nothing")

	require.NoError(t, os.Mkdir(o.Dir, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(o.Dir, lockFile), nil, 0o666))
	_, err = Run(ctx, &o)
	require.NoError(t, err)
	_, err = Run(ctx, &o)
	require.ErrorIs(t, err, fs.ErrExist)
	require.NoFileExists(t, filepath.Join(o.Dir, lockFile))

	_, err = lockFolder(filepath.Join(o.Dir, configFile))
	require.ErrorAs(t, err, new(*fs.PathError), "a file is no folder")
}

// However locks come and go, nobody has one that another has.
func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), lockFile)
	var holders, taken atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for taken.Load() < 300 {
				f, err := openLocked(path)
				if errors.Is(err, errHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d have the lock", n)
				}
				taken.Add(1)
				time.Sleep(20 * time.Microsecond) // for others to come meanwhile
				holders.Add(-1)
				closeLocked(f)
			}
		})
	}
	wait.Wait()
}
