package bench

import (
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// series is how a kernel's points look. Kernels of one token look like those
// of many, but hollow.
type series struct {
	name   string
	color  color.Color
	glyph  draw.GlyphDrawer
	hollow draw.GlyphDrawer
}

// The colours are Okabe and Ito's, which colour-blind readers tell apart.
var (
	blue      = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	orange    = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	vermilion = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	green     = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	purple    = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
	sky       = color.RGBA{0x56, 0xb4, 0xe9, 0xff}
	gray      = color.RGBA{0x70, 0x70, 0x70, 0xff}
	black     = color.RGBA{0x00, 0x00, 0x00, 0xff}
)

var allSeries = []series{
	{"selective_scan", blue, draw.CircleGlyph{}, draw.RingGlyph{}},
	{"selective_scan_naive", sky, draw.CircleGlyph{}, nil},
	{"selective_scan_tiled", sky, draw.BoxGlyph{}, nil},
	{"selective_scan_complex", blue, draw.PyramidGlyph{}, draw.TriangleGlyph{}},
	{"modulated_scan", green, draw.PyramidGlyph{}, draw.TriangleGlyph{}},
	{"discretize", green, draw.CircleGlyph{}, nil},
	{"causal_conv", orange, draw.BoxGlyph{}, draw.SquareGlyph{}},
	{"matmul", vermilion, draw.PyramidGlyph{}, draw.TriangleGlyph{}},
	{"matvec", vermilion, nil, draw.TriangleGlyph{}},
	{"dt_proj", green, draw.BoxGlyph{}, draw.SquareGlyph{}},
	{"rms_norm", purple, draw.CircleGlyph{}, nil},
	{"layer_norm", purple, draw.BoxGlyph{}, nil},
	{"residual_add", sky, draw.PyramidGlyph{}, nil},
	{"mamba_block", black, draw.BoxGlyph{}, nil},
	{"seed_layer", black, draw.PyramidGlyph{}, nil},
	{prefillName, black, draw.CircleGlyph{}, nil},
	{decodeName, black, nil, draw.RingGlyph{}},
	{togetherName, black, nil, draw.SquareGlyph{}},
}

// glyphOf is how a case's point looks.
func glyphOf(name string) draw.GlyphStyle {
	kernel, step := strings.CutSuffix(name, "_step")
	i := slices.IndexFunc(allSeries, func(s series) bool { return s.name == kernel })
	if i < 0 {
		return draw.GlyphStyle{Color: gray, Radius: 2.6, Shape: draw.CircleGlyph{}}
	}
	g := draw.GlyphStyle{Color: allSeries[i].color, Radius: 2.6, Shape: allSeries[i].glyph}
	if step && allSeries[i].hollow != nil || g.Shape == nil {
		g.Shape = allSeries[i].hollow
	}
	return g
}

// legend names the kernels that are there.
func legend(list []*Result) *plot.Legend {
	l := plot.NewLegend()
	l.Top, l.Left, l.YPosition = true, true, draw.PosCenter
	l.TextStyle.Font = sans(8)
	l.ThumbnailWidth, l.Padding = 12, 2.5
	var seen []string
	for _, c := range list {
		if !slices.Contains(seen, c.Name) {
			seen = append(seen, c.Name)
			l.Add(" "+c.Name, thumbnail(glyphOf(c.Name)))
		}
	}
	return &l
}

// thumbnail is a point in the legend.
type thumbnail draw.GlyphStyle

// Thumbnail draws the point.
func (t thumbnail) Thumbnail(c *draw.Canvas) { c.DrawGlyph(draw.GlyphStyle(t), c.Center()) }

// gridLines is a faint line at each power of ten.
type gridLines struct{}

// Plot draws the lines.
func (gridLines) Plot(c draw.Canvas, p *plot.Plot) {
	style := draw.LineStyle{Color: color.Gray{0xe4}, Width: 0.5}
	x, y := p.Transforms(&c)
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if at := x(t.Value); !t.IsMinor() && c.ContainsX(at) {
			c.StrokeLine2(style, at, c.Min.Y, at, c.Max.Y)
		}
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if at := y(t.Value); !t.IsMinor() && c.ContainsY(at) {
			c.StrokeLine2(style, c.Min.X, at, c.Max.X, at)
		}
	}
}

// roofLines is the two roofs, each with what it was measured as.
type roofLines struct {
	roofs    *Roofs
	min, max float64 // operations per byte
}

// corners are the left end, the ridge and the right end of the roofs.
func (l roofLines) corners() (x, y [3]float64) {
	bandwidth, peak := l.roofs.Copy.Value/1e3, l.roofs.MulAdd.Value
	ridge := peak / bandwidth
	return [3]float64{l.min, ridge, l.max}, [3]float64{l.min * bandwidth, peak, peak}
}

// Plot draws the roofs.
func (l roofLines) Plot(c draw.Canvas, p *plot.Plot) {
	pts := l.points(c, p)
	c.StrokeLines(draw.LineStyle{Color: black, Width: 1.2}, c.ClipLinesXY(pts[:])...)
	for _, t := range l.texts(c, p) {
		style := roofText(p)
		style.Rotation = t.angle
		c.FillText(style, t.at, t.words)
	}
}

func roofText(p *plot.Plot) draw.TextStyle {
	return draw.TextStyle{Color: black, Font: sans(8), Handler: p.TextHandler, YAlign: draw.YBottom}
}

// turned is a text along a line: it begins at a place and is so wide.
type turned struct {
	words string
	at    vg.Point
	angle float64
	width vg.Length
}

// texts says on each roof what it was measured as: on the peak at its right
// end, on the slope in its lower half, where few points are.
func (l roofLines) texts(c draw.Canvas, p *plot.Plot) []turned {
	pts, style := l.points(c, p), roofText(p)
	peak := turned{words: "multiply-add " + digits(l.roofs.MulAdd.Value) + " TFLOP/s"}
	peak.width = style.Rectangle(peak.words).Size().X
	peak.at = vg.Point{X: pts[2].X - peak.width - 4, Y: pts[2].Y + 2.5}
	slope := turned{words: "copy " + digits(l.roofs.Copy.Value) + " GB/s"}
	slope.width = style.Rectangle(slope.words).Size().X
	lower := l.visible(c, pts)
	dx, dy := pts[1].X-lower.X, pts[1].Y-lower.Y
	slope.angle = math.Atan2(float64(dy), float64(dx))
	sin, cos := vg.Length(math.Sin(slope.angle)), vg.Length(math.Cos(slope.angle))
	slope.at = vg.Point{X: lower.X + 0.12*dx - 2.5*sin, Y: lower.Y + 0.12*dy + 2.5*cos}
	return []turned{peak, slope}
}

func (l roofLines) points(c draw.Canvas, p *plot.Plot) (pts [3]vg.Point) {
	tx, ty := p.Transforms(&c)
	x, y := l.corners()
	for i := range pts {
		pts[i] = vg.Point{X: tx(x[i]), Y: ty(y[i])}
	}
	return pts
}

// visible is where the slope enters the plot.
func (l roofLines) visible(c draw.Canvas, pts [3]vg.Point) vg.Point {
	lower := pts[0]
	if lower.Y < c.Min.Y {
		f := (c.Min.Y - lower.Y) / (pts[1].Y - lower.Y)
		lower = vg.Point{X: lower.X + f*(pts[1].X-lower.X), Y: c.Min.Y}
	}
	return lower
}

// pointsPlot is the cases, with its shape beside the fastest and the slowest of each
// kernel: all of them would hide the points.
type pointsPlot struct {
	list  []*Result
	roofs roofLines
}

// Plot draws the points, then the labels where they are in nobody's way.
func (l pointsPlot) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	corners := l.roofs.points(c, p)
	at := func(q vg.Point) point { return point{float64(q.X), float64(q.Y)} }
	room := labels{
		page:  box{float64(c.Min.X) + 2, float64(c.Min.Y) + 2, float64(c.Max.X) - 2, float64(c.Max.Y) - 2},
		lines: [][2]point{{at(corners[0]), at(corners[1])}, {at(corners[1]), at(corners[2])}},
	}
	for _, t := range l.roofs.texts(c, p) {
		room.marks = append(room.marks, along(at(t.at), t.angle, float64(t.width), 7)...)
	}
	points := make([]vg.Point, len(l.list))
	for i, r := range l.list {
		points[i] = vg.Point{X: tx(r.Intensity()), Y: ty(r.TFLOPs)}
		q := at(points[i])
		room.marks = append(room.marks, box{q.x - 3.2, q.y - 3.2, q.x + 3.2, q.y + 3.2})
	}
	text := draw.TextStyle{Color: color.Gray{0x38}, Font: sans(6), Handler: p.TextHandler}
	named := l.named()
	for _, r := range named {
		width := text.Rectangle(label(r.Shape)).Size().X
		room.tags = append(room.tags, tag{at: at(points[slices.Index(l.list, r)]), w: float64(width) + 1, h: 6.2})
	}
	room.place()
	for i := range room.tags {
		drawLeader(c, &room.tags[i])
	}
	for i, r := range l.list {
		c.DrawGlyph(glyphOf(r.Name), points[i])
	}
	for i, r := range named {
		if t := &room.tags[i]; t.ok {
			c.FillText(text, vg.Point{X: vg.Length(t.box.x0 + 0.5), Y: vg.Length(t.box.y0 + 1)}, label(r.Shape))
		}
	}
}

// named is the cases that have their shapes beside them.
func (l pointsPlot) named() []*Result {
	var list []*Result
	for i, r := range l.list {
		faster, slower := true, true
		for k, o := range l.list {
			if k != i && o.Name == r.Name {
				faster = faster && r.TFLOPs > o.TFLOPs
				slower = slower && r.TFLOPs < o.TFLOPs
			}
		}
		if faster || slower {
			list = append(list, r)
		}
	}
	return list
}

// drawLeader joins a point to its text where that is not beside it.
func drawLeader(c draw.Canvas, t *tag) {
	from, to := t.leader()
	if t.ok && math.Hypot(to.x-from.x, to.y-from.y) > 6 {
		style := draw.LineStyle{Color: color.Gray{0xa0}, Width: 0.35}
		c.StrokeLine2(style, vg.Length(from.x), vg.Length(from.y), vg.Length(to.x), vg.Length(to.y))
	}
}

// label is a shape as plots write it: 8×2048×1024×16.
func label(shape string) string {
	return strings.NewReplacer("(", "", ")", "", ",", "×").Replace(shape)
}
