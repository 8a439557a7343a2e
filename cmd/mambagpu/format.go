package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
)

// newTable returns a plain table: columns apart by two spaces, no lines.
func newTable(w io.Writer) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	return t
}

// formatBytes writes n bytes with a decimal unit, such as "9.1 MB".
func formatBytes(n uint64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	v, unit := float64(n)/1000, 0
	for v >= 999.95 && unit < 3 {
		v, unit = v/1000, unit+1
	}
	return fmt.Sprintf("%.1f %s", v, []string{"kB", "MB", "GB", "TB"}[unit])
}

// formatCount writes n with commas, such as "4,553,984".
func formatCount(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := len(s) % 3
	parts := []string{}
	if first > 0 {
		parts = append(parts, s[:first])
	}
	for i := first; i < len(s); i += 3 {
		parts = append(parts, s[i:i+3])
	}
	return strings.Join(parts, ",")
}

// formatRate writes a speed with three digits.
func formatRate(v float64) string {
	if v >= 100 {
		return formatCount(int64(v + 0.5))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// joinIDs writes ids separated by spaces.
func joinIDs(ids []int) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(id))
	}
	return b.String()
}

// clip shortens text to at most n characters.
func clip(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}
