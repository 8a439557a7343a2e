package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mambagpu/mambagpu/wgpu"
	"github.com/spf13/cobra"
)

// goAdapter is the name of the pure-Go backend.
const goAdapter = "go"

// deviceEntry is something to compute on, as the command lists it.
type deviceEntry struct {
	Adapter  string       `json:"adapter"` // what --adapter takes: an index, or "go"
	Name     string       `json:"name"`
	Vendor   string       `json:"vendor"`
	Backend  string       `json:"backend"`
	Kind     wgpu.Kind    `json:"kind"`
	Driver   string       `json:"driver"`
	Default  bool         `json:"default"` // taken when none is named
	Limits   *wgpu.Limits `json:"limits"`  // null for the pure-Go backend, which has none
	Features []string     `json:"features"`
}

func (a *app) devicesCommand() *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List what this machine can compute on",
		Long: `List the WebGPU adapters of this machine and the pure-Go backend, named go.
The one marked with * is used when --adapter names none.`,
		Example: `  mambagpu devices
  mambagpu devices --verbose
  mambagpu generate --adapter 1`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			entries, err := listDevices()
			if errors.Is(err, wgpu.ErrNoAdapter) {
				fmt.Fprintln(a.stderr, message(err))
			} else if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(map[string]any{"devices": entries})
			}
			a.printDevices(entries, verbose)
			return nil
		},
	}
	addJSONFlag(cmd, &asJSON)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show limits and features too")
	return cmd
}

// listDevices returns the adapters and last the pure-Go backend, which is all
// there is if the error is wgpu.ErrNoAdapter.
func listDevices() ([]deviceEntry, error) {
	found, err := wgpu.Adapters()
	var entries []deviceEntry
	for i, info := range found {
		entries = append(entries, deviceEntry{
			Adapter: strconv.Itoa(info.Index), Name: info.Name, Vendor: info.Vendor, Backend: info.Backend,
			Kind: info.Kind, Driver: info.Driver, Limits: &found[i].Limits, Features: nonNil(info.Features),
		})
	}
	entries = append(entries, deviceEntry{
		Adapter: goAdapter, Name: "pure Go", Backend: "Go", Kind: wgpu.CPU, Features: []string{},
		Driver: fmt.Sprintf("%s, %d threads", runtime.Version(), runtime.GOMAXPROCS(0)),
	})
	if i := defaultDevice(entries, os.Getenv("MAMBAGPU_ADAPTER")); i >= 0 {
		entries[i].Default = true
	}
	return entries, err
}

// defaultDevice returns the index of the entry that want, the environment's
// choice, means, or -1 if none is meant by it.
func defaultDevice(entries []deviceEntry, want string) int {
	for i, e := range entries {
		if want == "" || want == e.Adapter {
			return i
		}
	}
	for i, e := range entries {
		if e.Adapter != goAdapter && strings.Contains(strings.ToLower(e.Name), strings.ToLower(want)) {
			return i
		}
	}
	return -1
}

func (a *app) printDevices(entries []deviceEntry, verbose bool) {
	t := newTable(a.stdout)
	t.AppendHeader(table.Row{"", "adapter", "name", "vendor", "backend", "kind", "driver"})
	for _, e := range entries {
		mark := ""
		if e.Default {
			mark = "*"
		}
		t.AppendRow(table.Row{mark, e.Adapter, e.Name, orDash(e.Vendor), e.Backend, e.Kind, orDash(e.Driver)})
	}
	t.Render()
	if !verbose {
		return
	}
	for _, e := range entries {
		if e.Limits != nil {
			a.printLimits(e)
		}
	}
}

func (a *app) printLimits(e deviceEntry) {
	l := e.Limits
	fmt.Fprintf(a.stdout, "\n%s: %s\n", e.Adapter, e.Name)
	t := newTable(a.stdout)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	t.AppendRows([]table.Row{
		{"  largest buffer", formatBytes(l.MaxBufferSize)},
		{"  largest storage binding", formatBytes(l.MaxStorageBinding)},
		{"  storage buffers of a shader", l.MaxStorageBuffers},
		{"  largest uniform binding", formatBytes(l.MaxUniformBinding)},
		{"  storage, uniform alignment", fmt.Sprintf("%d, %d bytes", l.StorageAlignment, l.UniformAlignment)},
		{"  workgroup memory", fmt.Sprintf("%d bytes", l.MaxWorkgroupMemory)},
		{"  workgroup invocations", l.MaxInvocations},
		{"  workgroup size", fmt.Sprintf("%d x %d x %d", l.MaxWorkgroupSizeX, l.MaxWorkgroupSizeY, l.MaxWorkgroupSizeZ)},
		{"  workgroups per axis", l.MaxWorkgroupsPerAxis},
		{"  features", orDash(strings.Join(e.Features, ", "))},
	})
	t.Render()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
