package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQuantizeInterrupted: what is stopped leaves no folder, nor a part of one.
func TestQuantizeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	parent := t.TempDir()
	var stdout, stderr bytes.Buffer
	status := run(ctx, []string{"quantize", "--out", filepath.Join(parent, "q")}, strings.NewReader(""), &stdout, &stderr)
	require.Equal(t, exitInterrupted, status)
	require.Empty(t, stdout.String())
	require.NotContains(t, stderr.String(), "mambagpu:")
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, entries)
}
