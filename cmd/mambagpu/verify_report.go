package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/mambagpu/mambagpu/bench"
)

// reporter prints what is found out about a device as soon as it is known.
type reporter struct {
	app   *app
	quiet bool // print nothing: there will be JSON
	again bool // another device came before
}

// begin names the device.
func (r *reporter) begin(v deviceVerdict) {
	if r.quiet {
		return
	}
	if r.again {
		fmt.Fprintln(r.app.stdout)
	}
	fmt.Fprintln(r.app.stdout, styled(r.app.stdout, bold, v.device()))
}

// part prints a part that is done.
func (r *reporter) part(p part) {
	if !r.quiet {
		p.print(r.app)
	}
}

// end prints the verdict, and what a report of a failure should say.
func (r *reporter) end(v deviceVerdict) {
	if r.quiet {
		return
	}
	w := r.app.stdout
	checks, failures := v.count()
	if v.Error != "" {
		failures = append(failures, "stopped  "+v.Error)
	}
	if len(failures) > 0 {
		v.printFailures(w, failures)
	}
	switch {
	case v.Error != "":
		fmt.Fprintf(w, "\nFAIL: %s: %s\n", v.Adapter, v.Error)
	case v.Pass:
		fmt.Fprintf(w, "\nPASS: all %d checks%s\n", checks, v.leftOut())
	default:
		fmt.Fprintf(w, "\nFAIL: %d of %d checks passed%s\n", checks-len(failures), checks, v.leftOut())
	}
}

// leftOut says what the verdict is not about.
func (v deviceVerdict) leftOut() string {
	if v.Kernels != nil && v.Kernels.Skipped != "" {
		return "; the kernels' cases were not run"
	}
	return ""
}

// printFailures writes what a report of the failures should say.
func (v deviceVerdict) printFailures(w io.Writer, failures []string) {
	version := bench.ReadBuild()
	fmt.Fprintf(w, "\nThis is not what was expected. Please report these lines:\n\n")
	fmt.Fprintf(w, "  mambagpu %s %s\n  adapter  %s\n", version.Version, version.Platform, v.Adapter)
	fmt.Fprintf(w, "  backend  %s\n  driver   %s\n", orDash(v.Backend), orDash(v.Driver))
	const most = 40 // lines
	for i, line := range failures {
		if i == most {
			fmt.Fprintf(w, "  and %d more, which --json lists\n", len(failures)-most)
			break
		}
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(line, "\n", "\n           "))
	}
}

// device names adapter, backend and driver.
func (v deviceVerdict) device() string {
	parts := []string{v.Adapter}
	for _, part := range []string{v.Backend, v.Driver} {
		if part != "" && !strings.EqualFold(part, v.Adapter) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
