package mamba

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// cacheFolder makes the user's cache folder an empty one.
func cacheFolder(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir) // of Unix
	t.Setenv("HOME", dir)           // of macOS
	t.Setenv("LocalAppData", dir)   // of Windows
	return dir
}

func TestTuningIsStored(t *testing.T) {
	cacheFolder(t)
	a := wgpu.AdapterInfo{Name: "A", Driver: "1", Backend: "Vulkan"}
	got, err := StoredTuning(a)
	require.NoError(t, err)
	require.Nil(t, got)
	want := shaders.Tuning{"matmul 1x2": "wide"}
	path, err := StoreTuning(a, want)
	require.NoError(t, err)
	got, err = StoredTuning(a)
	require.NoError(t, err)
	require.Equal(t, want, got)

	replaced := shaders.Tuning{"selective_scan": "short"}
	again, err := StoreTuning(a, replaced)
	require.NoError(t, err)
	require.Equal(t, path, again)
	got, err = StoredTuning(a)
	require.NoError(t, err)
	require.Equal(t, replaced, got)
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left beside the file")

	t.Setenv("MAMBAGPU_TUNING", "off")
	got, err = StoredTuning(a)
	require.NoError(t, err)
	require.Nil(t, got)
}

// Another adapter, driver or API has another tuning.
func TestTuningIsOfOneDriver(t *testing.T) {
	cacheFolder(t)
	a := wgpu.AdapterInfo{Name: "A", Driver: "1", Backend: "Vulkan"}
	_, err := StoreTuning(a, shaders.Tuning{"matmul": "wide"})
	require.NoError(t, err)
	for _, other := range []wgpu.AdapterInfo{
		{Name: "B", Driver: "1", Backend: "Vulkan"}, {Name: "A", Driver: "2", Backend: "Vulkan"}, {Name: "A", Driver: "1", Backend: "DX12"},
	} {
		got, err := StoredTuning(other)
		require.NoError(t, err)
		require.Nil(t, got)
	}
}

// What is broken or belongs to something else is announced and left.
func TestTuningThatIsNoGood(t *testing.T) {
	cacheFolder(t)
	a, b := wgpu.AdapterInfo{Name: "A"}, wgpu.AdapterInfo{Name: "B"}
	path, err := StoreTuning(a, shaders.Tuning{"matmul": "wide"})
	require.NoError(t, err)
	sound, err := os.ReadFile(path)
	require.NoError(t, err)
	foreign, err := TuningPath(b)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(foreign, sound, 0o644))
	require.NoError(t, os.WriteFile(path, sound[:len(sound)/2], 0o644))
	for info, want := range map[*wgpu.AdapterInfo]string{&a: "unexpected end of JSON", &b: "belongs to A"} {
		_, err := StoredTuning(*info)
		require.ErrorContains(t, err, want)
		var notices bytes.Buffer
		require.Nil(t, (&Options{Notices: &notices}).tuning(*info))
		require.Contains(t, notices.String(), want)
		require.Equal(t, shaders.Tuning{"k": "v"}, (&Options{Tuning: shaders.Tuning{"k": "v"}}).tuning(*info))
	}
}

// A tuning that is made shape by shape is stored at once, and another run goes on with it.
func TestTuningLog(t *testing.T) {
	cacheFolder(t)
	a := wgpu.AdapterInfo{Name: "A", Driver: "1", Backend: "Vulkan"}
	_, err := StoreTuning(a, shaders.Tuning{"matmul": "old", "selective_scan": "kept"})
	require.NoError(t, err)
	l, err := OpenTuningLog(a)
	require.NoError(t, err)
	variants := []string{"usual", "wide"}
	require.False(t, l.Knows("matmul", variants), "chosen, but not by measurement")
	require.NoError(t, l.Choose("matmul", variants, ""))
	require.NoError(t, l.Choose("matmul 1x2", variants, "wide"))
	got, err := StoredTuning(a)
	require.NoError(t, err)
	require.Equal(t, shaders.Tuning{"matmul 1x2": "wide", "selective_scan": "kept"}, got)

	t.Setenv("MAMBAGPU_TUNING", "off")
	again, err := OpenTuningLog(a)
	require.NoError(t, err)
	require.Equal(t, l.Path(), again.Path())
	require.True(t, again.Knows("matmul", variants))
	require.True(t, again.Knows("matmul 1x2", variants))
	require.False(t, again.Knows("matmul 1x2", append(variants, "tall")), "there are others now")
	require.False(t, again.Knows("matmul 3x4", variants))
}

// A log replaces what is broken.
func TestTuningLogThatIsNoGood(t *testing.T) {
	cacheFolder(t)
	a := wgpu.AdapterInfo{Name: "A"}
	path, err := StoreTuning(a, shaders.Tuning{"matmul": "wide"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o644))
	l, err := OpenTuningLog(a)
	require.ErrorContains(t, err, "unexpected end of JSON")
	require.NoError(t, l.Choose("selective_scan", []string{"usual", "short"}, "short"))
	got, err := StoredTuning(a)
	require.NoError(t, err)
	require.Equal(t, shaders.Tuning{"selective_scan": "short"}, got)
	require.NoError(t, os.RemoveAll(filepath.Dir(path)))
	require.NoError(t, os.WriteFile(filepath.Dir(path), nil, 0o644))
	require.Error(t, l.Choose("selective_scan", nil, ""), "no folder can be made")
}
