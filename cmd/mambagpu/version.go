package main

import (
	"fmt"
	"strings"

	"github.com/mambagpu/mambagpu/bench"
	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Example: `  mambagpu version
  mambagpu version --json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := bench.ReadBuild()
			if asJSON {
				return a.printJSON(v)
			}
			_, err := fmt.Fprintln(a.stdout, versionText(v))
			return err
		},
	}
	addJSONFlag(cmd, &asJSON)
	return cmd
}

// versionText is a build in a few lines.
func versionText(v bench.Build) string {
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
