package bench

import (
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// curve is a series of points, joined in their order.
type curve struct {
	name   string
	color  color.Color
	glyph  draw.GlyphDrawer // nil for a line without points
	dashed bool
	thin   bool
	x, y   []float64
}

func (c *curve) add(x, y float64) { c.x, c.y = append(c.x, x), append(c.y, y) }

func (c *curve) line() draw.LineStyle {
	s := draw.LineStyle{Color: c.color, Width: 1.1}
	if c.thin {
		s.Width = 0.5
	}
	if c.dashed {
		s.Dashes = []vg.Length{3, 2.5}
	}
	return s
}

func (c *curve) point() draw.GlyphStyle {
	return draw.GlyphStyle{Color: c.color, Radius: 2.6, Shape: c.glyph}
}

// Plot draws the curve.
func (c *curve) Plot(canvas draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&canvas)
	points := make([]vg.Point, len(c.x))
	for i := range points {
		points[i] = vg.Point{X: tx(c.x[i]), Y: ty(c.y[i])}
	}
	if len(points) > 1 {
		canvas.StrokeLines(c.line(), canvas.ClipLinesXY(points)...)
	}
	for i := 0; c.glyph != nil && i < len(points); i++ {
		canvas.DrawGlyph(c.point(), points[i])
	}
}

// Thumbnail draws the curve's line and point in a legend.
func (c *curve) Thumbnail(canvas *draw.Canvas) {
	y := canvas.Center().Y
	canvas.StrokeLine2(c.line(), canvas.Min.X, y, canvas.Max.X, y)
	if c.glyph != nil {
		canvas.DrawGlyph(c.point(), canvas.Center())
	}
}

// panel is curves over axes of their own.
type panel struct {
	title, x, y string
	ticks       plot.Ticker // of x; powers of ten if nil
	fromZero    bool        // y is not logarithmic and begins at zero
	linear      bool        // no axis is logarithmic
	curves      []*curve
}

// used is the curves that have points.
func (p *panel) used() []*curve {
	return slices.DeleteFunc(slices.Clone(p.curves), func(c *curve) bool { return len(c.x) == 0 })
}

// writePanels draws panels one above the other, the first the tallest, with the
// curves' names beside them.
func writePanels(w io.Writer, format string, panels ...panel) error {
	return writePlot(w, format, func(c draw.Canvas) {
		top := c.Max.Y
		for i := range panels {
			height := plotHeight
			if len(panels) > 1 {
				height = []vg.Length{0.62 * plotHeight, 0.38 * plotHeight}[i]
			}
			part := draw.Crop(c, 0, 0, 0, 0)
			part.Max.Y, part.Min.Y = top, top-height
			top -= height
			panels[i].draw(part)
		}
	})
}

func (p *panel) draw(c draw.Canvas) {
	axes := newPlot(p.title)
	if p.ticks != nil {
		axes.X.Tick.Marker = p.ticks
	}
	if p.fromZero {
		axes.Y.Scale, axes.Y.Tick.Marker = plot.LinearScale{}, plot.DefaultTicks{}
	}
	curves := p.used()
	axes.X.Min, axes.X.Max = around(curves, func(c *curve) []float64 { return c.x }, 1.25)
	axes.Y.Min, axes.Y.Max = around(curves, func(c *curve) []float64 { return c.y }, 1.6)
	if p.fromZero {
		axes.Y.Min = 0
	}
	if p.linear {
		for _, a := range []*plot.Axis{&axes.X, &axes.Y} {
			a.Scale, a.Tick.Marker = plot.LinearScale{}, plot.DefaultTicks{}
		}
		axes.X.Min, axes.X.Max = between(curves, func(c *curve) []float64 { return c.x })
		axes.Y.Min, axes.Y.Max = between(curves, func(c *curve) []float64 { return c.y })
	}
	axes.Add(gridLines{})
	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.YPosition = true, true, draw.PosCenter
	legend.TextStyle.Font = sans(8)
	legend.ThumbnailWidth, legend.Padding = 18, 2.5
	for _, curve := range curves {
		axes.Add(curve)
		legend.Add(" "+curve.name, curve)
	}
	part := draw.Crop(c, 18, -legendWidth, 18, -6)
	axes.Draw(part)
	labelAxes(c, axes.DataCanvas(part), axes, p.x, p.y)
	legend.Draw(draw.Crop(c, plotWidth-legendWidth+10, -4, 0, -24))
}

// around is the range of all the curves' values with room on both sides.
func around(curves []*curve, values func(*curve) []float64, room float64) (least, most float64) {
	least, most = math.Inf(1), 0
	for _, c := range curves {
		for _, v := range values(c) {
			least, most = min(least, v), max(most, v)
		}
	}
	return least / room, most * room
}

// labelled is ticks at given places.
type labelled struct {
	at    []float64
	names []string
}

// Ticks is the places within the range.
func (l labelled) Ticks(least, most float64) []plot.Tick {
	var out []plot.Tick
	for i, v := range l.at {
		if v >= least && v <= most {
			out = append(out, plot.Tick{Value: v, Label: l.names[i]})
		}
	}
	return out
}

// powersOfTwo marks powers of two.
type powersOfTwo struct{}

// Ticks is those within the range.
func (powersOfTwo) Ticks(least, most float64) []plot.Tick {
	var out []plot.Tick
	for e := math.Ceil(math.Log2(least)); e <= math.Log2(most); e++ {
		out = append(out, plot.Tick{Value: math.Exp2(e), Label: "2^" + strconv.Itoa(int(e))})
	}
	return out
}
