package shaders

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"text/template"
)

//go:embed *.wgsl include/*.wgsl
var files embed.FS

// templates holds every shader and include by file name.
var templates = sync.OnceValue(func() *template.Template {
	t := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"seq": func(n int) []int {
			s := make([]int, n)
			for i := range s {
				s[i] = i
			}
			return s
		},
		"add": func(terms ...int) (sum int) {
			for _, v := range terms {
				sum += v
			}
			return sum
		},
		"sub": func(a, b int) int { return a - b },
		"mul": func(factors ...int) int {
			product := 1
			for _, v := range factors {
				product *= v
			}
			return product
		},
		"list":    func(v ...int) []int { return v },
		"names":   func(v ...string) []string { return v },
		"div":     func(a, b int) int { return a / b },
		"ceilDiv": ceilDiv,
		"mod":     func(a, b int) int { return a % b },
		// weightPad is what a row of weights of a type is padded to a multiple of.
		"weightPad": weightPad,
		"comp":      func(i int) string { return "xyzw"[i : i+1] },
	})
	return template.Must(t.ParseFS(files, "include/*.wgsl", "*.wgsl"))
})

// Names lists the kernels, which are the names of the shader files.
func Names() []string {
	paths, err := fs.Glob(files, "*.wgsl")
	if err != nil {
		return nil
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(p, ".wgsl")
	}
	return paths
}

// Source is the WGSL of one variant of a kernel; variant is a struct whose
// fields the shader's template names.
func Source(kernel string, variant any) (string, error) {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, kernel+".wgsl", variant); err != nil {
		return "", fmt.Errorf("shaders: %w", err)
	}
	return out.String(), nil
}
