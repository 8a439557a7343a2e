package bench

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/vg/draw"
)

// Chart is one of the drawings that reports of one adapter make.
type Chart struct {
	Name  string // within a file's name: "scan"
	Alt   string // what it shows, in words
	Write func(w io.Writer, format string) error
}

// Charts lists what can be drawn of reports of one adapter, the first of which
// counts where only one can be shown.
func Charts(reports []Named) []Chart {
	var out []Chart
	add := func(name, alt string, panels ...panel) {
		for i := range panels {
			if len(panels[i].used()) == 0 {
				return
			}
		}
		out = append(out, Chart{name, alt, func(w io.Writer, format string) error { return writePanels(w, format, panels...) }})
	}
	first := reports[0]
	if first.Roofs != nil && first.Roofs.Copy.Value > 0 && first.Roofs.MulAdd.Value > 0 {
		out = append(out, Chart{"roofline", "Roofline of " + first.Adapter, first.WritePlot})
	}
	add("scan", "Time of selective_scan against length", scanPanel(reports))
	add("decode", "Time of a decoding step by model and weights", decodePanel(reports))
	add("long", "Time and memory of prefill against length", longPanels(reports)...)
	return out
}

// The reference's figures on an NVIDIA H100 80GB HBM3 (mamba-ssm 2.3.2, CUDA 13.0).
var (
	referenceScan   = [][2]float64{{2048, 146}, {16384, 1030}, {65536, 4024}} // (1, L, 1536, 16) in float32, us
	referenceDecode = map[string][][2]float64{                                // parameters and us a step, of one sequence
		"F16": {{129135360, 689}, {2768345600, 3705}},
		"F32": {{129135360, 789}, {2768345600, 5370}},
	}
)

// referenceName is how the reference is called in drawings.
const referenceName = "mamba-ssm (CUDA)"

// scanPanel is time against length of scans of (1, L, 1536, 16).
func scanPanel(reports []Named) panel {
	p := panel{title: "selective_scan, (1, L, 1536, 16), float32, on " + reports[0].Adapter, x: "length L", y: "time (us)", ticks: powersOfTwo{}}
	least := &curve{name: "least by the roofs", color: gray, dashed: true}
	for i, r := range reports {
		c := &curve{name: r.curveName("", len(reports)), color: blue, glyph: []draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}}[min(i, 1)], dashed: i > 0}
		for _, res := range r.Results {
			var length int
			n, _ := fmt.Sscanf(res.Shape, "(1,%d,", &length)
			if n == 1 && res.Shape == fmt.Sprintf("(1,%d,1536,16)", length) && res.Name == "selective_scan" && res.Timed() {
				c.add(float64(length), res.Median)
				if us, _ := r.Roofs.Least(res.Bytes, res.Flops); i == 0 && us > 0 {
					least.add(float64(length), us)
				}
			}
		}
		p.curves = append(p.curves, c)
	}
	if len(p.used()) == 0 {
		return p
	}
	if reports[0].besideReference() {
		c := &curve{name: referenceName, color: vermilion, glyph: draw.PyramidGlyph{}, dashed: true}
		for _, at := range referenceScan {
			c.add(at[0], at[1])
		}
		p.curves = append(p.curves, c)
	}
	p.curves = append(p.curves, least)
	return p
}

// curveName names a report's curve by what it shows, and if there are several by
// the report's file.
func (n Named) curveName(what string, reports int) string {
	switch {
	case what == "":
		what = "mambagpu"
	case reports > 1:
		what += ","
	}
	if reports > 1 {
		what += " " + n.Name
	}
	return what
}

// decodePanel is the time of a decoding step of one sequence against the model's
// size, for each way to store weights.
func decodePanel(reports []Named) panel {
	p := panel{title: "Decoding one sequence on " + reports[0].Adapter, x: "model", y: "time of a token (us)", ticks: sizeTicks()}
	for i, r := range reports {
		for _, style := range weightStyles {
			c := &curve{name: r.curveName(weightWords(style.weights), len(reports)), color: style.color, glyph: style.glyphs[min(i, 1)], dashed: i > 0}
			for _, s := range modelSizes {
				if res := r.model(decodeName, s.name, style.weights, 1, 1); res != nil && res.Timed() {
					config := s.config()
					c.add(float64(config.Parameters()), res.Median)
				}
			}
			p.curves = append(p.curves, c)
		}
	}
	if len(p.used()) == 0 || !reports[0].besideReference() {
		return p
	}
	for _, style := range weightStyles[:2] {
		c := &curve{name: referenceName + " " + weightWords(style.weights), color: style.color, glyph: draw.CrossGlyph{}, dashed: true}
		for _, at := range referenceDecode[style.weights] {
			c.add(at[0], at[1])
		}
		p.curves = append(p.curves, c)
	}
	return p
}

// weightStyle is how a way to store weights looks.
type weightStyle struct {
	weights string
	color   color.Color
	glyphs  [2]draw.GlyphDrawer // of the first report and of others
}

var weightStyles = []weightStyle{
	{"F32", black, [2]draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}}},
	{"F16", blue, [2]draw.GlyphDrawer{draw.BoxGlyph{}, draw.SquareGlyph{}}},
	{"Q8", orange, [2]draw.GlyphDrawer{draw.PyramidGlyph{}, draw.TriangleGlyph{}}},
	{"Q4", green, [2]draw.GlyphDrawer{draw.BoxGlyph{}, draw.SquareGlyph{}}},
}

// sizeTicks marks the published models.
func sizeTicks() labelled {
	var l labelled
	for _, s := range modelSizes {
		config := s.config()
		l.at, l.names = append(l.at, float64(config.Parameters())), append(l.names, s.name)
	}
	return l
}

// longPanels is time and memory against length of the reference model.
func longPanels(reports []Named) []panel {
	time := panel{title: "Prefill of the reference model (4.55 M parameters) on " + reports[0].Adapter, y: "time (ms)", ticks: powersOfTwo{}}
	memory := panel{x: "length L (tokens)", y: "memory (MiB)", ticks: powersOfTwo{}, fromZero: true}
	for i, r := range reports {
		glyph := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}}[min(i, 1)]
		t := &curve{name: r.curveName("time", len(reports)), color: blue, glyph: glyph, dashed: i > 0}
		m := &curve{name: r.curveName("device memory", len(reports)), color: vermilion, glyph: glyph, dashed: i > 0}
		for _, res := range r.Results {
			if res.Name == longName && res.Timed() {
				t.add(float64(res.Tokens), res.Median/1e3)
				m.add(float64(res.Tokens), float64(res.Memory)/(1<<20))
			}
		}
		time.curves, memory.curves = append(time.curves, t), append(memory.curves, m)
	}
	return []panel{time, memory}
}
