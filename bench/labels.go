package bench

import "math"

// point is a place on the page, in points of 1/72 inch.
type point struct{ x, y float64 }

// box is a rectangle with its lower left corner first.
type box struct{ x0, y0, x1, y1 float64 }

func (b box) overlaps(o box) bool {
	return b.x0 < o.x1 && o.x0 < b.x1 && b.y0 < o.y1 && o.y0 < b.y1
}

func (b box) inside(o box) bool {
	return b.x0 >= o.x0 && b.y0 >= o.y0 && b.x1 <= o.x1 && b.y1 <= o.y1
}

// crosses reports whether the segment from p to q meets the box (Liang and
// Barsky's clipping).
func (b box) crosses(p, q point) bool {
	lo, hi := 0.0, 1.0
	clip := func(from, to, least, most float64) bool {
		d := to - from
		if d == 0 {
			return from > least && from < most
		}
		a, z := (least-from)/d, (most-from)/d
		lo, hi = max(lo, min(a, z)), min(hi, max(a, z))
		return lo < hi
	}
	return clip(p.x, q.x, b.x0, b.x1) && clip(p.y, q.y, b.y0, b.y1)
}

// cross reports whether the segments from a to b and from c to d cut each
// other.
func cross(a, b, c, d point) bool {
	side := func(p, q, r point) float64 { return (q.x-p.x)*(r.y-p.y) - (q.y-p.y)*(r.x-p.x) }
	return side(a, b, c)*side(a, b, d) < 0 && side(c, d, a)*side(c, d, b) < 0
}

// along is boxes of about the given height that cover a turned text of width w
// whose baseline begins at p.
func along(p point, angle, w, height float64) []box {
	var out []box
	for at := 0.0; at <= w; at += height / 2 {
		c := point{p.x + at*math.Cos(angle) - height/2*math.Sin(angle), p.y + at*math.Sin(angle) + height/2*math.Cos(angle)}
		out = append(out, box{c.x - height/2, c.y - height/2, c.x + height/2, c.y + height/2})
	}
	return out
}

// nearest is the box's point next to p.
func (b box) nearest(p point) point {
	return point{min(max(p.x, b.x0), b.x1), min(max(p.y, b.y0), b.y1)}
}

// tag is a text beside the point that it names.
type tag struct {
	at   point
	w, h float64 // of the text
	box  box     // where it goes
	ok   bool    // there is room for it
}

// leader is the line from the point to its text.
func (t *tag) leader() (from, to point) { return t.at, t.box.nearest(t.at) }

// labels places texts so that none lies on another one or on a point, as near
// to their points as the others let them.
type labels struct {
	page  box
	marks []box      // of the points, and of other texts
	lines [][2]point // better not crossed
	tags  []tag
}

// The costs of places that are possible, in points of distance.
const (
	costLine   = 400 // a text on a line of the plot, or beyond it
	costLeader = 30  // a text on another's leader, or the leader through a text
	costMark   = 15  // the leader through a point
	costCross  = 20  // the leader through another's
)

// rounds is how often every text looks for a better place once all have one.
const rounds = 6

func (l *labels) place() {
	for range rounds {
		for i := range l.tags {
			l.tags[i].ok = false
			l.tags[i].box, l.tags[i].ok = l.best(&l.tags[i])
		}
	}
}

// best is the place of the least cost for a text. ok is false if there is
// none.
func (l *labels) best(t *tag) (b box, ok bool) {
	least := math.Inf(1)
	for distance := 4.5; distance < 200 && distance < least; distance += 2.5 {
		for turn := range 24 {
			c := textBox(t.at, distance, 2*math.Pi*float64(turn)/24, t.w, t.h)
			if !c.inside(l.page) || l.blocked(c) {
				continue
			}
			if cost := distance + l.cost(t.at, c); cost < least {
				b, least, ok = c, cost, true
			}
		}
	}
	return b, ok
}

// textBox is the box whose nearest point to p lies at a distance in a
// direction.
func textBox(p point, distance, angle, w, h float64) box {
	c := point{p.x + distance*math.Cos(angle), p.y + distance*math.Sin(angle)}
	x := c.x - w/2 + w/2*math.Cos(angle)
	y := c.y - h/2 + h/2*math.Sin(angle)
	return box{x, y, x + w, y + h}
}

func (l *labels) blocked(b box) bool {
	for _, o := range l.marks {
		if b.overlaps(o) {
			return true
		}
	}
	for i := range l.tags {
		if l.tags[i].ok && b.overlaps(l.tags[i].box) {
			return true
		}
	}
	return false
}

// cost is what a text at b, which names the point p, is in the way of.
func (l *labels) cost(p point, b box) float64 {
	sum, end := 0.0, b.nearest(p)
	for _, s := range l.lines {
		if b.crosses(s[0], s[1]) || cross(p, end, s[0], s[1]) {
			sum += costLine
		}
	}
	for _, o := range l.marks {
		if own := p.x > o.x0 && p.x < o.x1 && p.y > o.y0 && p.y < o.y1; !own && o.crosses(p, end) {
			sum += costMark
		}
	}
	for i := range l.tags {
		if l.tags[i].ok {
			sum += l.tags[i].conflict(p, end, b)
		}
	}
	return sum
}

// conflict is what a text at b with a leader from p to end costs beside t.
func (t *tag) conflict(p, end point, b box) float64 {
	sum := 0.0
	from, to := t.leader()
	if b.crosses(from, to) {
		sum += costLeader
	}
	if t.box.crosses(p, end) {
		sum += costLeader
	}
	if cross(p, end, from, to) {
		sum += costCross
	}
	return sum
}
