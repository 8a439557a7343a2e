package bench

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/mambagpu/mambagpu/wgpu"
)

// Build says which build of the program this is.
type Build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // empty if not built from a repository
	Modified bool   `json:"modified"` // files differed from the commit
	Binding  string `json:"binding"`  // of WebGPU; empty in a build without one
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// ReadBuild reads what the Go linker left in the running program.
func ReadBuild() Build {
	b := Build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	for _, dep := range info.Deps {
		if dep.Path == wgpu.Binding {
			b.Binding = strings.TrimPrefix(dep.Path, "github.com/") + " " + dep.Version
		}
	}
	return b
}

// ShortCommit is the commit's first digits, with + if files differed from it.
func (b Build) ShortCommit() string {
	c := b.Commit[:min(len(b.Commit), 10)]
	if c != "" && b.Modified {
		c += "+"
	}
	return c
}
