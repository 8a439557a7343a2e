package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mambagpu/mambagpu/bench"
)

// showReports prints reports that were written before, and draws what is asked for.
func (a *app) showReports(o benchOptions) error {
	var reports []bench.Named
	for _, file := range o.from {
		r, err := readReport(file)
		if err != nil {
			return err
		}
		reports = append(reports, bench.Named{Name: reportName(file, r), Report: r})
	}
	bench.SortReports(reports)
	if o.plot == "" && o.plots == "" && o.page == "" && o.table == "" {
		for i, r := range reports {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			a.printReport(r.Report)
		}
	}
	return o.saveDrawings(reports)
}

// saveDrawings writes the roofline of the first report, and the drawings, the page
// and the table of all, where they are asked for.
func (o *benchOptions) saveDrawings(reports []bench.Named) error {
	if o.plot != "" {
		format, err := bench.PlotFormat(o.plot)
		if err != nil {
			return err
		}
		write := func(w io.Writer) error { return reports[0].WritePlot(w, format) }
		if err := saveFile(o.plot, write); err != nil {
			return err
		}
	}
	if o.plots != "" {
		if err := savePlots(o.plots, reports); err != nil {
			return err
		}
	}
	if o.page != "" {
		err := saveFile(o.page, func(w io.Writer) error { return bench.WritePage(w, reports, o.plotsFromPage()) })
		if err != nil {
			return err
		}
	}
	if o.table == "" {
		return nil
	}
	return replaceTable(o.table, reports)
}

// replaceTable puts the table of targets into a document.
func replaceTable(file string, reports []bench.Named) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := bench.ReplaceTable(string(old), reports)
	if err != nil {
		return fmt.Errorf("%s: %s", file, message(err))
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// plotsFromPage is the folder of the drawings, or of the first report, as seen from
// the page's.
func (o *benchOptions) plotsFromPage() string {
	dir := o.plots
	if dir == "" && len(o.from) > 0 {
		dir = filepath.Dir(o.from[0])
	}
	rel, err := filepath.Rel(filepath.Dir(o.page), dir)
	if err != nil || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel)
}

// savePlots draws all that each adapter's reports give.
func savePlots(dir string, reports []bench.Named) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, group := range bench.ByAdapter(reports) {
		for _, c := range bench.Charts(group) {
			for _, format := range []string{"svg", "png"} {
				file := filepath.Join(dir, bench.ChartFile("", group[0].Name, c.Name, format))
				if err := saveFile(file, func(w io.Writer) error { return c.Write(w, format) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// saveFile writes a file, or nothing if it cannot be made.
func saveFile(file string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return errors.New(message(err))
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// reportName is what a report is called: as its file without the ending, or as its
// adapter.
func reportName(file string, r *bench.Report) string {
	if file == "" || file == "-" {
		return r.Slug()
	}
	return strings.TrimSuffix(filepath.Base(file), ".json")
}

// jsonFile is the file to write a report to: if a folder is given, the file there
// that holds a report of the same adapter and binding, or else one with the
// adapter's name.
func jsonFile(file string, r *bench.Report) (string, error) {
	if info, err := os.Stat(file); file == "-" || err != nil || !info.IsDir() {
		return file, nil
	}
	there, err := bench.ReadResults(os.DirFS(file))
	if err != nil {
		return "", errors.New(message(err))
	}
	for _, old := range there {
		if old.Adapter == r.Adapter && bindingName(old.Report) == bindingName(r) {
			return filepath.Join(file, old.Name+".json"), nil
		}
	}
	return filepath.Join(file, r.Slug()+".json"), nil
}

// bindingName is a report's binding without its version.
func bindingName(r *bench.Report) string {
	name, _, _ := strings.Cut(r.Binding, " ")
	return name
}

// readReport reads a report, if one is named.
func readReport(file string) (*bench.Report, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := bench.ReadJSON(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", file, message(err))
	}
	return r, nil
}

func (a *app) saveReport(file string, r *bench.Report) error {
	switch file {
	case "":
		return nil
	case "-":
		return a.printJSON(r)
	}
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}
