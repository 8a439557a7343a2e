package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// bindingModules are the WebGPU bindings that the program may be linked with.
var bindingModules = []string{"github.com/rajveermalviya/go-webgpu/wgpu"}

// version says which build of the program this is.
type version struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // empty if not built from a repository
	Modified bool   `json:"modified"` // files differed from the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Binding  string `json:"binding"` // of WebGPU; empty in a build without one
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Example: `  mambagpu version
  mambagpu version --json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if asJSON {
				return a.printJSON(v)
			}
			_, err := fmt.Fprintln(a.stdout, v)
			return err
		},
	}
	addJSONFlag(cmd, &asJSON)
	return cmd
}

func readVersion() version {
	v := version{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	for _, dep := range info.Deps {
		for _, path := range bindingModules {
			if dep.Path == path {
				v.Binding = strings.TrimPrefix(path, "github.com/") + " " + dep.Version
			}
		}
	}
	return v
}

// String returns the version in a few lines.
func (v version) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mambagpu %s", v.Version)
	if v.Commit != "" {
		fmt.Fprintf(&b, "\ncommit   %s", v.Commit)
		if v.Modified {
			b.WriteString(" with changes")
		}
	}
	fmt.Fprintf(&b, "\ngo       %s %s", strings.TrimPrefix(v.Go, "go"), v.Platform)
	binding := v.Binding
	if binding == "" {
		binding = "none"
	}
	fmt.Fprintf(&b, "\nbinding  %s", binding)
	return b.String()
}
