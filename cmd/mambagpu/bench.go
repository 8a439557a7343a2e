package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mambagpu/mambagpu/bench"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/wgpu"
	"github.com/spf13/cobra"
)

// benchOptions is the command line.
type benchOptions struct {
	bench   bench.Options
	json    string   // a file, a folder, or - for standard output
	from    []string // files with reports, in place of measuring
	plot    string
	plots   string // a folder
	page    string
	table   string
	compare string
	adapter string
	tune    bool
	again   bool
	noTune  bool
}

// errGoRoofs says why there is no roofline.
var errGoRoofs = errors.New("the Go backend has no roofs to plot")

func (a *app) benchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this device is, and how close to its limits",
		Long: `Measure the device's limits (the bandwidth of a copy, the peak of multiply-adds),
then the kernels at the shapes of real models, a Mamba block, the seed's layer,
prefill and decoding of models of the published sizes with random weights, and
longer and longer inputs of the reference model. A case is timed only after its
result was checked, and only if it fits the device; --quick takes fewer samples and
leaves out what takes long.

Times are medians, with the 10th and 90th percentile as spread: by the GPU's own
clock where it has one, else by the host's. The roof is the least time in which
the device could do the case, the larger of bytes/bandwidth and operations/peak,
as a share of the time measured.

--json writes everything, each sample included, to FILE, or with - to standard
output in place of the tables; in a folder, to the file there that has the report
of this adapter and binding, or to a new one. What is measured so far lies beside it
in FILE.partial until then. --compare reads such a FILE and marks what became slower
or faster by more than the spread. --plot draws the roofline, --plots all there is
to draw. --from shows reports that were written before, several of one adapter side
by side, and measures nothing.

--tune measures the variants of scans and matrix products at the shapes of the
models instead, and stores the fastest for this adapter, driver, API and binding:
loading a model and bench use them from then on, unless MAMBAGPU_TUNING is off or,
of bench, --no-tune is given. Each choice is stored as soon as it is made, and what
was measured before is passed over, unless --again is given: a run that was
interrupted goes on where it ended. --only train tunes the products of training.

Exits with 1 if a result is wrong.`,
		Example: `  mambagpu bench --quick
  mambagpu bench --only selective_scan,matmul --plot roofline.svg
  mambagpu bench --json new.json --compare old.json
  mambagpu bench --only prefill,decode --model mamba-130m-hf
  mambagpu bench --from new.json --plots drawings
  mambagpu bench --tune --sizes 130m
  mambagpu bench --tune --model my-model
  mambagpu bench --tune --sizes 130m --only train`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return a.bench(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.bench.Quick, "quick", false, "fewer samples, and no case that takes long")
	f.StringSliceVar(&o.bench.Only, "only", nil, "measure these only: `NAMES` of kernels and models, separated by commas")
	f.StringSliceVar(&o.bench.Sizes, "sizes", nil, "sizes of the random models: `NAMES` out of "+strings.Join(bench.Sizes(), ","))
	f.Var(textFlag(&o.bench.Model, "DIR"), "model", "time the model in `DIR` instead of one with random weights")
	cmd.MarkFlagDirname("model")
	f.Var(textFlag(&o.json, "FILE"), "json", "write the report to `FILE` or into a folder; - is standard output")
	f.StringSliceVar(&o.from, "from", nil, "show the reports in `FILES`, separated by commas, instead of measuring")
	f.Var(textFlag(&o.plot, "FILE"), "plot", "draw the roofline to `FILE`, .svg or .png")
	f.Var(textFlag(&o.plots, "DIR"), "plots", "draw everything, as SVG and PNG, into folder `DIR`")
	f.Var(textFlag(&o.page, "FILE"), "page", "write a page that compares the reports to `FILE`, in Markdown")
	f.Var(textFlag(&o.table, "FILE"), "table", "put the table beside the CUDA reference into document `FILE`, where it has the\n"+
		"lines for it")
	f.Var(textFlag(&o.compare, "FILE"), "compare", "compare with an older report, a JSON `FILE`")
	f.BoolVar(&o.tune, "tune", false, "choose the fastest variants of kernels for this adapter, and store them")
	f.BoolVar(&o.again, "again", false, "with --tune, measure anew what was measured before")
	f.BoolVar(&o.noTune, "no-tune", false, "measure the default variants, whatever is stored")
	addAdapterFlag(cmd, &o.adapter)
	f.SortFlags = false
	cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(bench.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check finds what can be found before anything is measured.
func (o *benchOptions) check() error {
	if err := o.bench.Check(); err != nil {
		return usageError(message(err))
	}
	if o.plot != "" {
		if _, err := bench.PlotFormat(o.plot); err != nil {
			return usageError(message(err))
		}
	}
	if o.json == "-" && o.compare != "" {
		return usagef("--json - prints the report and nothing else: with --compare give it a file")
	}
	if len(o.from) > 0 && (o.json != "" || o.compare != "" || len(o.bench.Only) > 0 || o.bench.Model != "") {
		return usagef("--from shows reports as they are: it goes with --plot, --plots, --page and --table only")
	}
	if o.again && !o.tune {
		return usagef("--again goes with --tune only")
	}
	if o.tune && (o.noTune || len(o.from) > 0 || o.json != "" || o.plot != "" || o.plots != "" || o.page != "" || o.table != "" || o.compare != "") {
		return usagef("--tune goes with --again, --only, --sizes, --model, --quick and --adapter only")
	}
	return source{dir: o.bench.Model}.checkFolder()
}

func (a *app) bench(ctx context.Context, o benchOptions) error {
	if len(o.from) > 0 {
		return a.showReports(o)
	}
	if o.tune {
		return a.tune(ctx, o)
	}
	old, err := readReport(o.compare)
	if err != nil {
		return err
	}
	report, err := await(ctx, func() (*bench.Report, error) { return a.measure(ctx, o) })
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	if o.json != "-" {
		a.printReport(report)
	}
	if old != nil {
		a.printComparison(old, report)
	}
	file, err := jsonFile(o.json, report)
	if err != nil {
		return err
	}
	reports := []bench.Named{{Name: reportName(file, report), Report: report}}
	if err := errors.Join(a.saveReport(file, report), o.saveDrawings(reports)); err != nil {
		return err
	}
	if wrong := report.Wrong(); wrong > 0 {
		return fmt.Errorf("%d of %d cases are wrong on %s", wrong, len(report.Results), report.Adapter)
	}
	return nil
}

// measure runs the benchmarks on the adapter, or models on the Go backend.
func (a *app) measure(ctx context.Context, o benchOptions) (*bench.Report, error) {
	dev, err := a.openBench(o.adapter)
	if err != nil {
		return nil, err
	}
	if dev != nil {
		defer dev.Close()
		o.bench.Tuning = a.tuning(o, dev.Info())
	} else if o.plot != "" {
		return nil, errGoRoofs
	}
	bar := a.newProgress("benchmarking", unitCases)
	defer bar.close()
	o.bench.Progress = func(name string, done, total int) {
		bar.rename("timing " + name)
		bar.update(int64(done), int64(total))
	}
	partial := ""
	o.bench.Measured = func(r *bench.Report) {
		partial = partialFile(o.json, r)
		a.saveReport(partial, r) // an error is the whole report's, too
	}
	report, err := bench.Run(ctx, dev, &o.bench)
	if err == nil && partial != "" {
		os.Remove(partial)
	}
	return report, err
}

// partialFile is where what is measured so far lies until the report is whole: beside its
// file. It is empty where the report goes to no file.
func partialFile(file string, r *bench.Report) string {
	if file == "" || file == "-" {
		return ""
	}
	file, err := jsonFile(file, r)
	if err != nil {
		return ""
	}
	return file + ".partial"
}

// rename says what is done now.
func (p *progress) rename(label string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.label = label
	if p.bar != nil {
		p.bar.Describe(label)
	}
}

// openBench opens the adapter, or none for the Go backend.
func (a *app) openBench(adapter string) (*wgpu.Device, error) {
	if adapter == "" {
		adapter = os.Getenv("MAMBAGPU_ADAPTER")
	}
	if adapter == mamba.GoAdapter {
		return nil, nil
	}
	return wgpu.Open(&wgpu.Options{Adapter: adapter, Notices: a.stderr})
}

func (a *app) printReport(r *bench.Report) {
	fmt.Fprintln(a.stdout, r.Title())
	for _, t := range r.Tables() {
		fmt.Fprintln(a.stdout)
		a.printTable(t)
	}
	fmt.Fprintf(a.stdout, "\n%s\n", r.Clocks())
	if faults := r.Faults(); len(faults) > 0 {
		fmt.Fprintf(a.stdout, "\n%s\n", strings.Join(faults, "\n"))
	}
}

func (a *app) printTable(from bench.Table) {
	t := newTable(a.stdout)
	t.AppendHeader(cells(from.Header))
	for _, row := range from.Rows {
		t.AppendRow(cells(row))
	}
	t.Render()
}

func cells(texts []string) table.Row {
	row := make(table.Row, len(texts))
	for i, text := range texts {
		row[i] = text
	}
	return row
}

func (a *app) printComparison(old, now *bench.Report) {
	fmt.Fprintf(a.stdout, "\nagainst %s\n", old.Title())
	for _, doubt := range bench.Doubts(old, now) {
		fmt.Fprintf(a.stdout, "note: %s\n", doubt)
	}
	deltas := bench.Compare(old, now)
	if len(deltas) == 0 {
		fmt.Fprintln(a.stdout, "no case in common")
		return
	}
	fmt.Fprintln(a.stdout)
	a.printTable(bench.CompareTable(deltas))
	slower, faster := 0, 0
	for _, d := range deltas {
		if d.Slower {
			slower++
		}
		if d.Faster {
			faster++
		}
	}
	fmt.Fprintf(a.stdout, "\n%d of %d cases slower, %d faster, by more than the spread\n", slower, len(deltas), faster)
}
