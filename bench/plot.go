package bench

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The sizes of the plot: two columns of a paper.
const (
	plotWidth   = 8 * vg.Inch
	plotHeight  = 4.8 * vg.Inch
	legendWidth = 1.9 * vg.Inch
	plotDPI     = 160
)

// PlotFormat is "svg" or "png", by the file's name.
func PlotFormat(file string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(file)); ext {
	case ".svg", ".png":
		return ext[1:], nil
	}
	return "", fmt.Errorf("bench: %s: a plot's name ends in .svg or .png", file)
}

// WritePlot draws the roofline: the operations of each case against those that
// it does for each byte, below the roofs. Cases without multiply-adds have no
// place on it.
func (r *Report) WritePlot(w io.Writer, format string) error {
	if r.Roofs == nil || r.Roofs.Copy.Value <= 0 || r.Roofs.MulAdd.Value <= 0 {
		return fmt.Errorf("bench: %s has no measured roofs to plot", r.Adapter)
	}
	return writePlot(w, format, r.draw)
}

// writePlot writes what paint draws on a page of plotWidth by plotHeight.
func writePlot(w io.Writer, format string, paint func(draw.Canvas)) error {
	switch format {
	case "svg":
		c := vgsvg.New(plotWidth, plotHeight)
		paint(draw.New(c))
		return writeSVG(w, c)
	case "png":
		c := vgimg.NewWith(vgimg.UseWH(plotWidth, plotHeight), vgimg.UseDPI(plotDPI))
		paint(draw.New(c))
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
		return err
	}
	return fmt.Errorf("bench: no plots in format %q", format)
}

// writeSVG names fonts of the same widths beside the one that texts were
// measured with, for machines that have it not.
func writeSVG(w io.Writer, c *vgsvg.Canvas) error {
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")))
	return err
}

func (r *Report) draw(c draw.Canvas) {
	p := newPlot("Roofline of " + r.Adapter + ", " + r.Date.Format("2006-01-02"))
	list := r.plotted()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = r.bounds(list)
	roofs := roofLines{r.Roofs, p.X.Min, p.X.Max}
	p.Add(gridLines{}, roofs, pointsPlot{list, roofs})
	part := draw.Crop(c, 18, -legendWidth, 18, -6)
	p.Draw(part)
	labelAxes(c, p.DataCanvas(part), p, "operations per byte (FLOP/B)", "operations per second (TFLOP/s)")
	legend(list).Draw(draw.Crop(c, plotWidth-legendWidth+10, -4, 0, -24))
}

// newPlot is an empty plot with logarithmic axes.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = sans(11)
	p.Title.TextStyle.Font.Weight = xfont.WeightBold
	p.Title.Padding = 6
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Scale, a.Tick.Marker = plot.LogScale{}, decades{}
		a.Tick.Label.Font, a.Padding = sans(8), 0
	}
	return p
}

// labelAxes writes what the axes measure. The library would centre its own
// labels by value, which on a logarithmic axis is near the end, and make room
// for them there.
func labelAxes(page, data draw.Canvas, p *plot.Plot, x, y string) {
	text := draw.TextStyle{Color: black, Font: sans(9), Handler: p.TextHandler, XAlign: draw.XCenter, YAlign: draw.YBottom}
	page.FillText(text, vg.Point{X: data.Center().X, Y: page.Min.Y + 5}, x)
	text.Rotation, text.YAlign = math.Pi/2, draw.YTop
	page.FillText(text, vg.Point{X: page.Min.X + 5, Y: data.Center().Y}, y)
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// plotted is the cases that have a place on the plot: kernels, and of the models the
// smallest and the largest in float32, or a user's own. All of them would hide one
// another.
func (r *Report) plotted() []*Result {
	var list []*Result
	for i := range r.Results {
		c := &r.Results[i]
		if !c.Timed() || c.Intensity() <= 0 || c.TFLOPs <= 0 || c.Name == longName {
			continue
		}
		if published := slices.Contains(Sizes(), c.Model); published && (c.Weights != "F32" || c.Model != "130m" && c.Model != "2.8b") {
			continue
		}
		list = append(list, c)
	}
	return list
}

// bounds leave room around the points and the ridge, where the roofs meet.
func (r *Report) bounds(list []*Result) (x0, x1, y0, y1 float64) {
	peak := r.Roofs.MulAdd.Value
	ridge := peak * 1e3 / r.Roofs.Copy.Value
	x0, x1, y0, y1 = ridge/30, ridge*10, peak/100, peak
	for _, c := range list {
		x0, x1 = min(x0, c.Intensity()/3), max(x1, c.Intensity()*3)
		y0, y1 = min(y0, c.TFLOPs/2), max(y1, c.TFLOPs)
	}
	return x0, x1, y0, y1 * 2
}

// decades marks powers of ten, with their multiples between.
type decades struct{}

func (decades) Ticks(least, most float64) []plot.Tick {
	var out []plot.Tick
	for e := math.Floor(math.Log10(least)); e <= math.Ceil(math.Log10(most)); e++ {
		unit := math.Pow(10, e)
		for k := 1.0; k < 10; k++ {
			t := plot.Tick{Value: k * unit}
			if k == 1 {
				t.Label = strconv.FormatFloat(unit, 'f', int(max(-e, 0)), 64)
			}
			if t.Value >= least && t.Value <= most { // one outside would take up room all the same
				out = append(out, t)
			}
		}
	}
	return out
}
